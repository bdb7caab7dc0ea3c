"""Names and size of the indices."""

from dataclasses import dataclass

from search_service.model import Kind
from search_service.store.mappings import GENERATION, Json


@dataclass(frozen=True)
class Layout:
    prefix: str
    shards: int
    replicas: int

    def alias(self, kind: Kind) -> str:
        return f"{self.prefix}-{kind.value}"

    def index(self, kind: Kind, mark: str = "") -> str:
        """`mark` tells indices of one generation apart."""
        return f"{self.alias(kind)}-v{GENERATION}" + (f"-{mark}" if mark else "")

    @property
    def settings(self) -> Json:
        return {
            "number_of_shards": self.shards,
            "number_of_replicas": self.replicas,
            # Named, so that a shard nobody searches for a while still refreshes.
            "refresh_interval": "1s",
        }
