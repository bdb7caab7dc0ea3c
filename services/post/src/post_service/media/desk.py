"""What the media worker works with."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from post_service.media.sandbox import Sandbox
from post_service.media.workspace import Workspace
from post_service.model.media import Kind
from post_service.service.peers import Accounts
from post_service.store.media import MediaStore
from post_service.store.posts import PostStore
from post_service.store.processing import ProcessingStore
from post_service.store.truth import Truth


class Files(Protocol):
    """Storage, as the worker needs it. A `folder` is a prefix of keys without its last slash."""

    async def download(self, key: str, target: Path) -> bool:
        """False when there is no such object."""
        ...

    async def upload(self, source: Path, key: str, *, content_type: str) -> None: ...

    async def copy(self, source: str, target: str) -> None: ...

    async def exists(self, key: str) -> bool: ...

    async def delete(self, key: str) -> None: ...

    async def delete_folder(self, folder: str) -> None: ...


@dataclass(frozen=True)
class Desk:
    """`renew` writes the post of that id to the cache as it is; `random_key` gives an unguessable name each time."""

    truth: Truth
    media: MediaStore
    posts: PostStore
    progress: ProcessingStore
    files: Files
    accounts: Accounts
    renew: Callable[[int], Awaitable[None]]
    sandboxes: Mapping[Kind, Sandbox]
    workspace: Workspace
    random_key: Callable[[], str]
