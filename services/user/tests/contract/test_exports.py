"""Exports, on real servers: asked for, collected, fetched, gone after a while."""

import json
import zipfile
from pathlib import Path

import httpx
import pytest
from heliograph.user.v1 import lifecycle_pb2 as pb
from kit.errors import NotFound, ResourceExhausted, Unavailable
from kit.postgres import Postgres
from user_service.store.personal import EXPORTED, KEPT, NOT_EXPORTED

from services.user.tests.contract.conftest import Clock, Register
from services.user.tests.contract.lifecycle_world import World, make_world, objects, request

__all__ = ["make_world"]


async def unpacked(link: str, tmp_path: Path) -> dict[str, bytes]:
    async with httpx.AsyncClient() as client:
        answer = await client.get(link)
    assert answer.status_code == 200, answer.text
    assert "attachment" in answer.headers["content-disposition"]
    assert "no-store" in answer.headers["cache-control"]
    path = tmp_path / "downloaded.zip"
    path.write_bytes(answer.content)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


async def test_an_export_is_collected_from_all_and_told_of(world: World, register: Register, tmp_path: Path):
    anna = (await register()).profile.id
    await world.base.bucket.put("originals/1", b"a picture", content_type="image/jpeg")
    assert (await request(world, anna)).state == pb.EXPORT_STATE_WAITING
    assert await world.exporting.advance()
    export = await world.export(anna)
    assert (export.state, export.progress) == (pb.EXPORT_STATE_READY, 100)
    files = await unpacked(export.link, tmp_path)
    assert json.loads(files["account/accounts.json"])[0]["email"] == "anna@example.org"
    assert [post["id"] for post in json.loads(files["post/posts.json"])] == ["1", "2"]
    assert files["post/media/1.jpg"] == b"a picture"
    assert json.loads(files["about.json"])["missing"] == ["post/media/2.jpg"]
    assert [event["kind"] for event in json.loads(files["account/security_events.json"])] == ["export_requested"]
    assert "export_ready" in await world.letters()
    assert not await world.exporting.advance()


async def test_no_secret_leaves_with_an_export(world: World, register: Register, tmp_path: Path):
    anna = (await register()).profile.id
    await world.log_in("anna")
    await request(world, anna)
    await world.exporting.advance()
    files = await unpacked((await world.export(anna)).link, tmp_path)
    content = b"".join(files.values())
    assert b"argon2" not in content
    assert b"hash" not in content


async def test_there_is_one_export_at_a_time_and_not_soon_another(world: World, register: Register, clock: Clock):
    anna = (await register()).profile.id
    first = await request(world, anna)
    assert (await request(world, anna)).id == first.id
    await world.exporting.advance()
    with pytest.raises(ResourceExhausted) as caught:
        await request(world, anna)
    assert caught.value.reason == "TOO_MANY_EXPORTS"
    clock.move(hours=25)
    assert (await request(world, anna)).id != first.id


async def test_an_archive_goes_after_a_week(world: World, register: Register, clock: Clock):
    anna = (await register()).profile.id
    await request(world, anna)
    await world.exporting.advance()
    assert await objects(world) == ["exports/random/heliograph-export.zip"]
    clock.move(days=7)
    await world.exporting.advance()
    export = await world.export(anna)
    assert (export.state, export.link) == (pb.EXPORT_STATE_EXPIRED, "")
    assert not await objects(world)


async def test_whoever_goes_on_after_a_kill_writes_the_same_archive(
    world: World, register: Register, postgres: Postgres
):
    anna = (await register()).profile.id
    await request(world, anna)
    world.keeper.away = True
    with pytest.raises(Unavailable):
        await world.exporting.advance()
    assert (await world.export(anna)).state == pb.EXPORT_STATE_COLLECTING
    world.keeper.away = False
    assert not await world.exporting.advance()  # it is somebody's until the claim ends
    await postgres.primary.execute("update exports set claimed_until = now()")
    assert await world.exporting.advance()
    assert await objects(world) == ["exports/random/heliograph-export.zip"]


async def test_an_export_that_never_succeeds_is_given_up(world: World, register: Register, postgres: Postgres):
    anna = (await register()).profile.id
    await request(world, anna)
    world.keeper.away = True
    for _ in range(5):
        with pytest.raises(Unavailable):
            await world.exporting.advance()
        await postgres.primary.execute("update exports set claimed_until = now()")
    assert await world.exporting.advance()
    assert (await world.export(anna)).state == pb.EXPORT_STATE_FAILED
    assert (await request(world, anna)).state == pb.EXPORT_STATE_WAITING


async def test_nobody_has_an_export_who_never_asked(world: World, register: Register):
    anna = (await register()).profile.id
    with pytest.raises(NotFound) as caught:
        await world.export(anna)
    assert caught.value.reason == "EXPORT_NOT_FOUND"


async def test_every_table_is_either_exported_or_left_out_for_a_reason(postgres: Postgres):
    tables = await postgres.primary.fetch("select tablename from pg_tables where schemaname = 'public'")
    names = {row["tablename"] for row in tables}
    assert names == set(EXPORTED) | set(NOT_EXPORTED)
    assert not set(EXPORTED) & set(NOT_EXPORTED)
    assert set(KEPT) <= names
