"""What an account takes with it, and how it goes."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from gateway.schemas.answers import Id, Time

ExportStateName = Literal["waiting", "collecting", "ready", "failed", "expired"]
_PER_CENT = Meta(ge=0, le=100, description="Per cent")
_LINK = Meta(description="Good for some minutes, for whoever knows it; the next answer has a new one")


class Export(Struct, frozen=True):
    """A letter tells when it is ready. `link` is null unless it is; `expires_at` is when the archive goes."""

    id: Id
    state: ExportStateName
    progress: Annotated[int, _PER_CENT]
    requested_at: Time | None
    ready_at: Time | None
    expires_at: Time | None
    bytes: int
    link: Annotated[str, _LINK] | None
    link_expires_at: Time | None


class Deletion(Struct, frozen=True):
    """Until `delete_after`, a log-in with `cancel_deletion` calls it off."""

    delete_after: Time | None
