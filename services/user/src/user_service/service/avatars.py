"""Use cases of avatars.

Killed anywhere, nothing stays behind that nobody knows of: a place is noted before its first file is written, and the
sweep removes what no profile names.
"""

import asyncio
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from kit import faults, log
from kit.errors import InvalidArgument, Unavailable, from_exception
from kit.outbox import Outbox
from kit.sandbox import Refused, SandboxError
from kit.workspace import Workspace

from user_service.model import avatars as rules
from user_service.model import errors
from user_service.model.accounts import Account, with_avatar
from user_service.model.avatars import Focus, place_of, withheld
from user_service.service.pictures import File
from user_service.service.profile_changes import ProfileChanges
from user_service.store.accounts import AccountStore
from user_service.store.avatars import AvatarFiles, PlaceStore
from user_service.store.profiles import ProfileCache

MOST_AT_ONCE = 16
_IN_WORK = 3
_ATTEMPTS = 2
_SWEEP_SECONDS = 300
_STRAY_AFTER = timedelta(minutes=15)
"""No call lives nearly as long."""
_UPLOADS_KEPT = timedelta(hours=1)
_BATCH = 100

logger = log.get(__name__)


class PictureMaker(Protocol):
    async def make(self, source: Path, out: Path, focus: Focus) -> Sequence[File] | Refused: ...


@dataclass(frozen=True)
class Studio:
    """`random_key` gives an unguessable name each time."""

    files: AvatarFiles
    places: PlaceStore
    pictures: PictureMaker
    workspace: Workspace
    random_key: Callable[[], str]


class Avatars:
    def __init__(
        self,
        outbox: Outbox,
        accounts: AccountStore,
        profile_changes: ProfileChanges,
        cache: ProfileCache,
        studio: Studio,
    ) -> None:
        self._outbox, self._accounts, self._profile_changes, self._cache = outbox, accounts, profile_changes, cache
        self._studio, self._files, self._places = studio, studio.files, studio.places
        self._at_work: set[int] = set()
        self._slots = asyncio.Semaphore(_IN_WORK)

    async def set(self, user_id: int, upload_key: str, focus: Focus) -> Account:
        """Makes the avatar of what lies under the key, which is removed then; the avatar before goes too. Raises
        InvalidArgument with the reason why it is no picture, NotFound USER_NOT_FOUND or UPLOAD_LOST, ResourceExhausted
        AVATAR_IN_PROGRESS, Unavailable OVERLOADED."""
        rules.check(user_id, upload_key, focus)
        with self._turn(user_id):
            account = _active(await self._accounts.get(user_id))
            if made := await self._made_before(account, upload_key):
                return made
            try:
                async with self._slots:
                    place = await self._make(user_id, upload_key, focus)
            except InvalidArgument:
                await self._files.delete(upload_key)
                raise
            before, after = await self._switch(user_id, place)
            await self._cache.put(after.profile)
            await self._try(self._files.delete(upload_key))
            await self._try(self._drop(user_id, before.profile.avatar_key, unless=place))
        return after

    async def remove(self, user_id: int) -> None:
        """Idempotent. Raises NotFound USER_NOT_FOUND."""
        before, after = await self._switch(user_id, "")
        await self._cache.put(after.profile)
        await self._try(self._drop(user_id, before.profile.avatar_key))

    async def follow_state(self, user_id: int) -> None:
        """Brings the files where the account's state wants them: within reach of everybody, or of nobody."""
        async with self._outbox.transaction() as transaction:
            # Under the account's lock, so that neither a new picture nor another change of state comes between.
            account = await self._accounts.lock(transaction.conn, user_id)
            place = account.profile.avatar_key if account else ""
            if account is None or not place:
                return
            if account.profile.active:
                await self._files.move(withheld(place), place)
            else:
                await self._files.move(place, withheld(place))

    async def erase(self, user_id: int) -> None:
        """Every file that any avatar of the account left behind, and what is noted of them. Idempotent. For an account
        that nobody can act for any more."""
        account = await self._accounts.get(user_id)
        current = [account.profile.avatar_key] if account and account.profile.avatar_key else []
        for place in dict.fromkeys([*await self._places.all_of(user_id), *current]):
            await self._drop(user_id, place)
        await self._files.delete_uploads(user_id)

    async def sweep(self) -> None:
        """A task: removes what calls that died have left."""
        while True:
            await self.remove_strays(older_than=_STRAY_AFTER)
            await self._files.delete_old_uploads(older_than=_UPLOADS_KEPT)
            await asyncio.sleep(_SWEEP_SECONDS)

    async def remove_strays(self, *, older_than: timedelta) -> None:
        while stray := await self._places.stray(older_than=older_than, limit=_BATCH):
            for user_id, place in stray:
                logger.info("removing a stray avatar", user_id=user_id)
                await self._drop(user_id, place)

    async def _made_before(self, account: Account, upload_key: str) -> Account | None:
        """When the answer to this very request was lost on its way."""
        place = await self._places.of_upload(account.profile.id, upload_key)
        return account if place and place == account.profile.avatar_key else None

    async def _make(self, user_id: int, upload_key: str, focus: Focus) -> str:
        """Answers the place that holds all files now."""
        with self._studio.workspace.folder() as folder:
            source = folder / "upload"
            if not await self._files.download(upload_key, source):
                raise rules.upload_lost()
            if source.stat().st_size > rules.MAX_BYTES:
                raise rules.unusable("FILE_TOO_LARGE")
            made = await self._picture(source, folder, focus)
            place = await self._places.note(user_id, place_of(self._studio.random_key()), upload_key)
            first, *others = made
            await self._put(folder, place, first)
            faults.point("avatar_mid_file")
            await asyncio.gather(*(self._put(folder, place, file) for file in others))
        return place

    async def _picture(self, source: Path, folder: Path, focus: Focus) -> Sequence[File]:
        for _ in range(_ATTEMPTS):
            try:
                made = await self._studio.pictures.make(source, folder, focus)
            except SandboxError as error:
                logger.warning("sandbox failed", error=str(error))
                continue
            if isinstance(made, Refused):
                raise rules.unusable(made.reason)
            return made
        raise rules.unusable("PROCESSING_FAILED")

    async def _put(self, folder: Path, place: str, file: File) -> None:
        await self._files.upload(folder / file.name, f"{place}/{file.name}", content_type=file.content_type)

    async def _switch(self, user_id: int, place: str) -> tuple[Account, Account]:
        """The account before and after. The step that shows."""
        async with self._outbox.transaction() as transaction:
            before = _active(await self._accounts.lock(transaction.conn, user_id))
            if place and not await self._places.holds(transaction.conn, user_id, place):
                raise rules.upload_lost()
            after = await self._profile_changes.save(transaction, before, with_avatar(before.profile, place))
        return before, after

    async def _drop(self, user_id: int, place: str, *, unless: str = "") -> None:
        if place and place != unless:
            await self._files.delete_folder(place)
            await self._files.delete_folder(withheld(place))
            await self._places.forget(user_id, place)

    async def _try(self, step: Awaitable[None]) -> None:
        """What the sweep does again: the caller's wish is fulfilled already."""
        try:
            await step
        except Exception as error:
            if not isinstance(from_exception(error), Unavailable):
                raise
            logger.warning("left to the sweep", error=repr(error))

    @contextmanager
    def _turn(self, user_id: int) -> Generator[None]:
        if user_id in self._at_work:
            raise rules.in_progress()
        if len(self._at_work) >= MOST_AT_ONCE:
            raise rules.busy()
        self._at_work.add(user_id)
        try:
            yield
        finally:
            self._at_work.discard(user_id)


def _active(account: Account | None) -> Account:
    if account is None or not account.profile.active:
        raise errors.user_not_found()
    return account
