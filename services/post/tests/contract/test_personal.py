"""What the service keeps about an account: handed out whole, and gone for good."""

import json
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from heliograph.events.v1.engagement_events_pb2 import EngagementEvent
from heliograph.events.v1.user_events_pb2 import AccountErased, UserEvent
from heliograph.post.v1 import post_pb2 as pb
from heliograph.privacy.v1 import privacy_pb2 as privacy
from heliograph.privacy.v1.privacy_pb2_grpc import (
    PersonalDataServiceStub,
    add_PersonalDataServiceServicer_to_server,
)
from kit.consumer import Delivery
from kit.errors import InvalidArgument
from kit.testing import Rpc
from post_service.events import erased_handler
from post_service.media.worker import MediaWorker
from post_service.model.media import MediaState
from post_service.rpc.personal import PersonalRpc
from post_service.store.objects import Objects

from services.post.tests.contract.conftest import Service, Studio, keys_in, photo

ANN, BOB = 11, 22


@pytest_asyncio.fixture
async def personal(service: Service, rpc: Rpc) -> PersonalDataServiceStub:
    service.people.add(ANN, "ann")
    service.people.add(BOB, "bob")
    servicer = PersonalRpc(service.wired.personal)
    return PersonalDataServiceStub(await rpc(partial(add_PersonalDataServiceServicer_to_server, servicer)))


async def exported(stub: PersonalDataServiceStub, user_id: int) -> tuple[dict[str, Any], dict[str, str]]:
    """The JSON files by path, and the objects by path."""
    contents: dict[str, bytes] = defaultdict(bytes)
    objects: dict[str, str] = {}
    token = ""
    while True:
        answer = await stub.Export(privacy.ExportRequest(user_id=user_id, page_token=token))
        for file in answer.files:
            if file.object_key:
                objects[file.path] = file.object_key
            else:
                contents[file.path] += file.content
        token = answer.next_page_token
        if not token:
            return {path: json.loads(content) for path, content in contents.items()}, objects


async def erase(stub: PersonalDataServiceStub, user_id: int) -> int:
    removed = 0
    while True:
        answer = await stub.Erase(privacy.EraseRequest(user_id=user_id))
        removed += answer.removed
        if answer.done:
            return removed


async def everything(service: Service) -> str:
    """All rows of all tables but the events on their way out, as text."""
    pool = service.studio.postgres.primary
    tables = await pool.fetch("select tablename as name from pg_tables where schemaname = 'public'")
    names = [row["name"] for row in tables if row["name"] not in {"outbox", "alembic_version"}]
    return "\n".join([str(await pool.fetch(f'select * from "{name}"')) for name in names])


async def talk(service: Service) -> tuple[pb.Post, pb.Post]:
    """A post of each; each likes and comments on both, answers and mentions the other."""
    by_ann = await service.published(ANN, caption="mine, with @bob #sun")
    by_bob = await service.published(BOB, caption="his, with @ann")
    for viewer, other in ((ANN, "@bob"), (BOB, "@ann")):
        for post in (by_ann, by_bob):
            await service.stub.LikePost(pb.LikePostRequest(viewer_id=viewer, post_id=post.id))
            asked = pb.CreateCommentRequest(viewer_id=viewer, post_id=post.id, text=f"{viewer} says hi to {other}")
            made = (await service.stub.CreateComment(asked)).comment
            asked = pb.CreateCommentRequest(viewer_id=BOB, post_id=post.id, text="an answer", reply_to=made.id)
            await service.stub.CreateComment(asked)
    return by_ann, by_bob


async def test_an_export_holds_what_the_account_made_and_said(
    service: Service, personal: PersonalDataServiceStub
) -> None:
    by_ann, by_bob = await talk(service)
    files, objects = await exported(personal, ANN)
    assert [post["id"] for post in files["posts.json"]] == [str(by_ann.id)]
    assert files["posts.json"][0]["caption"] == "mine, with @bob #sun"
    assert {like["post_id"] for like in files["likes.json"]} == {str(by_ann.id), str(by_bob.id)}
    assert {comment["text"] for comment in files["comments.json"]} == {f"{ANN} says hi to @bob"}
    (medium,) = files["media.json"]
    assert await service.studio.bucket.sha256(objects[f"media/{medium['id']}.jpg"]) == medium["sha256"]


async def test_an_export_of_nobody_has_empty_files(personal: PersonalDataServiceStub) -> None:
    files, objects = await exported(personal, 99)
    assert files == {"posts.json": [], "comments.json": [], "likes.json": [], "media.json": []}
    assert not objects


async def test_a_bad_page_token_is_refused(personal: PersonalDataServiceStub) -> None:
    with pytest.raises(InvalidArgument, match="page token"):
        await personal.Export(privacy.ExportRequest(user_id=ANN, page_token="99:"))


async def test_an_erasure_leaves_nothing_of_the_account_and_all_of_others(
    service: Service, personal: PersonalDataServiceStub
) -> None:
    by_ann, by_bob = await talk(service)
    assert f"={ANN} " in await everything(service)
    assert await erase(personal, ANN) > 5
    assert f"={ANN} " not in await everything(service)
    assert "says hi to @bob" not in await everything(service)
    assert not [key for key in await keys_in(service.studio.bucket) if f"/{ANN}/" in key]
    assert not await service.seen_by(BOB, by_ann.id)
    left = await service.get(BOB, by_bob.id)
    assert (left.counts.likes, left.counts.comments) == (1, 2)
    assert left.media[0].variants
    assert not left.mentions
    assert await service.counts(BOB) == 1


async def test_only_the_files_of_the_account_go(service: Service, personal: PersonalDataServiceStub) -> None:
    """Of two people with the same picture, too."""
    same = photo(seed=7)
    kept = await service.ready_medium(BOB, same)
    before = await keys_in(service.studio.bucket)
    await service.ready_medium(ANN, same)
    await service.announce(ANN, b"never uploaded")
    await erase(personal, ANN)
    assert await keys_in(service.studio.bucket) == before
    medium = await service.studio.desk.media.get(BOB, kept)
    assert medium is not None
    assert medium.state is MediaState.READY


async def test_others_hear_of_what_goes(service: Service, personal: PersonalDataServiceStub) -> None:
    await talk(service)
    await erase(personal, ANN)
    rows = await service.studio.postgres.primary.fetch("select payload from outbox where topic = 'engagement.v1'")
    events = [EngagementEvent.FromString(row["payload"]) for row in rows]
    assert sum(event.post_unliked.user_id == ANN for event in events) == 2
    assert sum(event.comment_deleted.author_id == ANN for event in events) == 2
    assert "post_deleted" in await service.studio.event_names()


async def test_a_like_that_comes_late_goes_with_the_news_of_the_erasure(
    service: Service, personal: PersonalDataServiceStub
) -> None:
    _, by_bob = await talk(service)
    await erase(personal, ANN)
    await service.like_behind_its_back(ANN, by_bob.id)
    event = UserEvent(account_erased=AccountErased(user_id=ANN)).SerializeToString()
    delivery = Delivery("", 0, 0, "", "", "", datetime.now(UTC), event)
    await erased_handler(service.wired.personal.erase)(delivery)
    assert f"={ANN} " not in await everything(service)
    await service.hear_engagement()
    assert (await service.get(BOB, by_bob.id)).counts.likes == 1


async def test_it_is_not_done_while_a_worker_may_write_files(
    service: Service, personal: PersonalDataServiceStub
) -> None:
    medium = await service.studio.upload(ANN, photo(seed=3))
    answer = await personal.Erase(privacy.EraseRequest(user_id=ANN))
    assert not answer.done
    await service.studio.postgres.primary.execute("update media set changed_at = now() - interval '2 hours'")
    await erase(personal, ANN)
    assert await service.studio.desk.media.get(ANN, medium.id) is None
    assert not await keys_in(service.studio.bucket)


async def test_a_worker_whose_medium_is_gone_leaves_no_files(
    service: Service, personal: PersonalDataServiceStub
) -> None:
    studio = service.studio
    medium = await studio.upload(ANN, photo(seed=4))
    desk = replace(studio.desk, files=ErasedWhileWriting(studio))
    await MediaWorker(desk).advance(ANN, medium.id)
    assert not await keys_in(studio.bucket)


class ErasedWhileWriting(Objects):
    """Storage during whose first upload the media of ANN go."""

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio.bucket, upload_seconds=60, clock=lambda: datetime.now(UTC))
        self._studio = studio

    async def upload(self, source: Path, key: str, *, content_type: str) -> None:
        await self._studio.postgres.primary.execute("delete from media where author_id = $1", ANN)
        await super().upload(source, key, content_type=content_type)
