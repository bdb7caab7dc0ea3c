"""What the media worker works with."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from kit.workspace import Workspace

from post_service.media.sandbox import Sandbox
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

    async def old_uploads(self) -> Sequence[int]:
        """Ids of media whose upload lies there longer than any work on it takes."""
        ...

    async def exists(self, key: str) -> bool: ...

    async def delete(self, key: str) -> None: ...

    async def delete_folder(self, folder: str) -> None: ...


def new_turns() -> dict[Kind, asyncio.Semaphore]:
    return {Kind.IMAGE: asyncio.Semaphore(2), Kind.VIDEO: asyncio.Semaphore(1)}


@dataclass(frozen=True)
class Desk:
    """`renew` writes the post of that id to the cache as it is; `random_key` gives an unguessable name each time.

    `turns` bound how many files of a kind are on this machine at once; the next picture is fetched while one is being
    made, and a long film holds up no picture.
    """

    truth: Truth
    media: MediaStore
    posts: PostStore
    progress: ProcessingStore
    files: Files
    accounts: Accounts
    renew: Callable[[int], Awaitable[None]]
    sandboxes: Mapping[Kind, Sandbox]
    turns: Mapping[Kind, asyncio.Semaphore]
    workspace: Workspace
    random_key: Callable[[], str]
