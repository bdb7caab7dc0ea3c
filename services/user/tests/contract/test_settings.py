import pytest
import pytest_asyncio
from google.protobuf.field_mask_pb2 import FieldMask
from grpc.aio import Channel
from heliograph.events.v1.user_events_pb2 import UserEvent
from heliograph.user.v1 import settings_pb2 as pb
from heliograph.user.v1 import user_pb2
from heliograph.user.v1.settings_pb2_grpc import SettingsServiceStub
from heliograph.user.v1.user_pb2_grpc import UserServiceStub
from kit.errors import Aborted, InvalidArgument, NotFound
from kit.postgres import Postgres
from user_service.model.accounts import AccountState
from user_service.model.security import Device, Kind
from user_service.wiring.base import Base

from .conftest import Register

EVERYONE, FOLLOWERS, NOBODY = (
    user_pb2.ALLOWED_BY_EVERYONE,
    user_pb2.ALLOWED_BY_FOLLOWERS,
    user_pb2.ALLOWED_BY_NOBODY,
)
OFF = pb.NOTIFY_OF_NOBODY


@pytest.fixture
def stub(channel: Channel) -> SettingsServiceStub:
    return SettingsServiceStub(channel)


@pytest_asyncio.fixture
async def anna(register: Register) -> user_pb2.Profile:
    return (await register()).profile


async def read(stub: SettingsServiceStub, user_id: int) -> pb.Settings:
    return (await stub.GetSettings(pb.GetSettingsRequest(viewer_id=user_id))).settings


async def change(
    stub: SettingsServiceStub, user_id: int, settings: pb.Settings, *paths: str, etag: str = ""
) -> pb.Settings:
    request = pb.UpdateSettingsRequest(
        viewer_id=user_id, settings=settings, update_mask=FieldMask(paths=paths), etag=etag
    )
    return (await stub.UpdateSettings(request)).settings


async def told(postgres: Postgres) -> list[str | None]:
    rows = await postgres.primary.fetch("select payload from outbox where topic = 'user.v1' order by id")
    return [UserEvent.FromString(row["payload"]).WhichOneof("event") for row in rows]


async def test_a_new_account_is_open_to_everyone(stub: SettingsServiceStub, anna: user_pb2.Profile) -> None:
    found = await read(stub, anna.id)
    assert (found.private_account, found.unlisted) == (False, False)
    assert {found.comments_from, found.mentions_from, found.messages_from} == {EVERYONE}
    assert {getattr(found.notifications, field.name) for field in pb.NotificationSettings.DESCRIPTOR.fields} == {
        pb.NOTIFY_OF_EVERYONE
    }


async def test_a_change_names_what_it_changes_and_leaves_the_rest(
    stub: SettingsServiceStub, anna: user_pb2.Profile
) -> None:
    await change(stub, anna.id, pb.Settings(messages_from=NOBODY), "messages_from")
    wanted = pb.Settings(comments_from=FOLLOWERS, notifications=pb.NotificationSettings(like=OFF, follow=OFF))
    changed = await change(stub, anna.id, wanted, "comments_from", "notifications.like")
    assert changed == await read(stub, anna.id)
    assert (changed.comments_from, changed.mentions_from, changed.messages_from) == (FOLLOWERS, EVERYONE, NOBODY)
    assert (changed.notifications.like, changed.notifications.follow) == (OFF, pb.NOTIFY_OF_EVERYONE)


async def test_what_others_must_heed_is_in_the_profile_and_told(
    stub: SettingsServiceStub, users: UserServiceStub, anna: user_pb2.Profile, postgres: Postgres
) -> None:
    wanted = pb.Settings(comments_from=NOBODY, mentions_from=FOLLOWERS, unlisted=True)
    await change(stub, anna.id, wanted, "comments_from", "mentions_from", "unlisted")
    (shown,) = (await users.BatchGetProfiles(user_pb2.BatchGetProfilesRequest(ids=[anna.id]))).profiles
    assert (shown.comments_from, shown.mentions_from, shown.unlisted) == (NOBODY, FOLLOWERS, True)
    assert shown.version == anna.version + 1
    assert await told(postgres) == ["account_registered", "profile_changed"]


async def test_going_private_is_the_same_change_from_either_side(
    stub: SettingsServiceStub, users: UserServiceStub, register: Register, postgres: Postgres
) -> None:
    one, two = (await register("one")).profile, (await register("two")).profile
    await change(stub, one.id, pb.Settings(private_account=True), "private_account")
    asked = user_pb2.UpdateAccountRequest(
        viewer_id=two.id,
        profile=user_pb2.Profile(private_account=True),
        update_mask=FieldMask(paths=["private_account"]),
    )
    await users.UpdateAccount(asked)
    rows = await postgres.primary.fetch("select payload from outbox order by id")
    events = [UserEvent.FromString(row["payload"]) for row in rows][2:]
    assert [event.WhichOneof("event") for event in events] == ["privacy_changed", "privacy_changed"]
    assert [event.privacy_changed.profile.version for event in events] == [2, 2]
    assert (await read(stub, two.id)).private_account


async def test_wishes_of_ones_own_change_no_profile_and_tell_nobody(
    stub: SettingsServiceStub, users: UserServiceStub, anna: user_pb2.Profile, postgres: Postgres
) -> None:
    wanted = pb.Settings(messages_from=NOBODY, notifications=pb.NotificationSettings(mention=OFF))
    await change(stub, anna.id, wanted, "messages_from", "notifications.mention")
    account = (await users.GetAccount(user_pb2.GetAccountRequest(viewer_id=anna.id))).account
    assert account.profile == anna
    assert await told(postgres) == ["account_registered"]


async def test_an_etag_holds_until_any_setting_changes(stub: SettingsServiceStub, anna: user_pb2.Profile) -> None:
    first = (await read(stub, anna.id)).etag
    same = await change(stub, anna.id, pb.Settings(messages_from=EVERYONE), "messages_from", etag=first)
    assert same.etag == first
    second = (await change(stub, anna.id, pb.Settings(messages_from=NOBODY), "messages_from", etag=first)).etag
    third = (await change(stub, anna.id, pb.Settings(unlisted=True), "unlisted", etag=second)).etag
    assert len({first, second, third}) == 3
    for old in (first, second):
        with pytest.raises(Aborted, match="ETAG_MISMATCH"):
            await change(stub, anna.id, pb.Settings(unlisted=False), "unlisted", etag=old)
    assert (await read(stub, anna.id)).unlisted


@pytest.mark.parametrize(
    ("path", "pointer"),
    [
        ("comments_from", "/comments_from"),
        ("messages_from", "/messages_from"),
        ("notifications.like", "/notifications/like"),
        ("notifications.sunset", "/notifications/sunset"),
        ("notifications", "/notifications"),
        ("etag", "/etag"),
        ("name", "/name"),
    ],
)
async def test_what_is_no_setting_or_no_value_is_refused_and_nothing_changes(
    stub: SettingsServiceStub, anna: user_pb2.Profile, path: str, pointer: str
) -> None:
    before = await read(stub, anna.id)
    with pytest.raises(InvalidArgument) as caught:
        await change(stub, anna.id, pb.Settings(private_account=True), "private_account", path)
    assert [fault.field for fault in caught.value.fields] == [pointer]
    assert await read(stub, anna.id) == before


async def test_who_notifies_asks_for_many_at_once(
    stub: SettingsServiceStub, register: Register, anna: user_pb2.Profile
) -> None:
    other = (await register("other")).profile
    await change(stub, anna.id, pb.Settings(notifications=pb.NotificationSettings(reply=OFF)), "notifications.reply")
    asked = pb.BatchGetNotificationSettingsRequest(ids=[anna.id, other.id, 5])
    found = (await stub.BatchGetNotificationSettings(asked)).settings
    assert found[anna.id].reply == OFF
    assert found[anna.id].like == pb.NOTIFY_OF_EVERYONE
    assert set(found) <= {anna.id, other.id}
    with pytest.raises(InvalidArgument, match="TOO_MANY_IDS"):
        await stub.BatchGetNotificationSettings(pb.BatchGetNotificationSettingsRequest(ids=range(1, 202)))


async def test_a_deleted_account_has_no_settings(stub: SettingsServiceStub, anna: user_pb2.Profile, base: Base) -> None:
    await base.states.change(
        anna.id,
        AccountState.DELETED,
        allowed_from=[AccountState.ACTIVE],
        kind=Kind.DELETION_REQUESTED,
        device=Device(),
    )
    with pytest.raises(NotFound, match="USER_NOT_FOUND"):
        await read(stub, anna.id)
    with pytest.raises(NotFound, match="USER_NOT_FOUND"):
        await change(stub, anna.id, pb.Settings(unlisted=True), "unlisted")
