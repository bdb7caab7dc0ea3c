"""Brings a medium forward, step by step, until nothing is left to do.

Every step can be repeated: where files will be is noted in the row before the first byte is written, so a worker that
is killed anywhere and started again writes the same keys. The step that shows is one transaction at the end.
"""

import asyncio

from heliograph.events.v1.post_events_pb2 import MediaUploaded, PostDeleted, PostEvent, PostPublished
from heliograph.events.v1.user_events_pb2 import AccountStateChanged, PrivacyChanged, UserEvent
from kit import log
from kit.consumer import Delivery, Handle, by_topic, dispatch
from kit.errors import Unavailable
from kit.outage import outlast
from prometheus_client import Gauge

from post_service.events import POST_TOPIC, USER_TOPIC
from post_service.media.desk import Desk
from post_service.media.making import process, publish_waiting, refuse
from post_service.media.moving import drop_old_place, move, purge
from post_service.model.media import MediaState, Medium, Step, next_step, upload_key
from post_service.model.visibility import Audience, Profile, open_to_all, shown_to_all

DEPTH = Gauge("heliograph_media_queue_depth", "Media uploaded and not yet ready or refused (counted to 10,001)")
AGE = Gauge("heliograph_media_queue_age_seconds", "Since the medium that waits the longest last moved on, 0 for none")

_AT_ONCE = 4
_GAUGE_SECONDS = 10
_SWEEP_SECONDS = 600
_FORGOTTEN_SECONDS = 1800
_BATCH = 100

logger = log.get(__name__)


class MediaWorker:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    @property
    def handle(self) -> Handle:
        """For a consumer of the post and the user topic."""
        return by_topic(
            {
                POST_TOPIC: dispatch(
                    PostEvent,
                    {
                        "media_uploaded": self.on_uploaded,
                        "post_published": self.on_published,
                        "post_deleted": self.on_deleted,
                    },
                ),
                USER_TOPIC: dispatch(
                    UserEvent, dict.fromkeys(("privacy_changed", "account_state_changed"), self.on_account_changed)
                ),
            }
        )

    async def on_uploaded(self, event: MediaUploaded, _delivery: Delivery) -> None:
        await self.advance(event.author_id, event.media_id)
        medium = await self._desk.media.get(event.author_id, event.media_id)
        if medium is not None and next_step(medium, open_to_all=True) is not Step.PROCESS:
            await self._desk.files.delete(medium.upload_key)

    async def on_published(self, event: PostPublished, _delivery: Delivery) -> None:
        """The account's privacy may have changed while the post was on its way."""
        await self._advance_all(await self._desk.media.of_post(event.post.author_id, event.post.post_id))

    async def on_deleted(self, event: PostDeleted, _delivery: Delivery) -> None:
        await self._advance_all(await self._desk.media.of_post(event.author_id, event.post_id))

    async def on_account_changed(self, event: PrivacyChanged | AccountStateChanged, _delivery: Delivery) -> None:
        """All of the author's files that are in the wrong place now. Raises Unavailable while the user service does not
        know of the change itself."""
        author = await self._author(event.profile.id)
        if author is not None and author.version < event.profile.version:
            raise Unavailable("USER_BEHIND", "a backing service is behind", retry_after=1)
        after = 0
        while author is not None:
            shown = shown_to_all(author)
            media = await self._desk.media.misplaced(author.id, shown=shown, after=after, limit=_BATCH)
            await self._advance_all(media)
            if len(media) < _BATCH:
                return
            after = media[-1].id

    async def sweep(self) -> None:
        """A task: takes up what no event speaks of any more, such as work whose event went to the dead letters, and
        removes uploads that nobody completed, or that came after their medium was done."""
        while True:
            await self.take_up_forgotten(_FORGOTTEN_SECONDS)
            await self.remove_stray_uploads()
            await asyncio.sleep(_SWEEP_SECONDS)

    async def measure(self) -> None:
        """A task. Every worker shows the same queue: that of the database."""
        while True:
            depth, age = await outlast(self._desk.progress.queue, what="media gauge")
            DEPTH.set(depth)
            AGE.set(max(age, 0))
            await asyncio.sleep(_GAUGE_SECONDS)

    async def take_up_forgotten(self, older_than_seconds: float) -> None:
        for medium in await self._desk.progress.unfinished(older_than_seconds=older_than_seconds, limit=_BATCH):
            logger.warning("taking up forgotten work", media_id=medium.id, state=medium.state.name)
            await self.advance(medium.author_id, medium.id)

    async def remove_stray_uploads(self) -> None:
        stray = await self._desk.files.old_uploads()
        for media_id in set(stray) - await self._desk.progress.in_work(stray):
            await self._desk.files.delete(upload_key(media_id))

    async def advance(self, author_id: int, media_id: int) -> None:
        """Until nothing is left to do for this medium."""
        while True:
            medium = await self._desk.media.get(author_id, media_id)
            if medium is None or not await self._step(medium):
                return

    async def _step(self, medium: Medium) -> bool:
        """Whether there may be more to do."""
        author = await self._author(medium.author_id)
        for_all = author is not None and open_to_all(author, await self._audience(medium))
        step = next_step(medium, open_to_all=for_all)
        match step:
            case Step.PROCESS if author is None:
                await refuse(self._desk, medium, "ACCOUNT_GONE")
            case Step.PROCESS if author is not None:
                await process(self._desk, medium, author, for_all=for_all)
            case Step.MOVE if author is not None:
                await move(self._desk, medium, author, for_all=for_all)
            case Step.DROP_OLD_PLACE:
                await drop_old_place(self._desk, medium)
            case Step.PURGE:
                await purge(self._desk, medium)
                return False
            case _:
                if author is not None and medium.state is MediaState.READY:
                    await publish_waiting(self._desk, medium, author)
                return False
        return True

    async def _advance_all(self, media: list[Medium]) -> None:
        slots = asyncio.Semaphore(_AT_ONCE)

        async def one(medium: Medium) -> None:
            async with slots:
                await self.advance(medium.author_id, medium.id)

        await asyncio.gather(*(one(medium) for medium in media))

    async def _author(self, author_id: int) -> Profile | None:
        return (await self._desk.accounts.profiles([author_id])).get(author_id)

    async def _audience(self, medium: Medium) -> Audience:
        """Of the post that uses it; most posts are for everybody, so that is what a medium without one is made for."""
        post = await self._desk.posts.get(medium.post_id) if medium.post_id else None
        return post.content.audience if post else Audience.PUBLIC
