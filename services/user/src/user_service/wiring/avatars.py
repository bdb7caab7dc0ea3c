"""Avatars, with the process that makes them and the folder for files in work."""

import secrets
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import datetime

from heliograph.events.v1.user_events_pb2 import AccountStateChanged, UserEvent
from kit.consumer import Consumer, Delivery, dispatch
from kit.outbox import Outbox
from kit.postgres import Postgres
from kit.s3 import Bucket
from kit.workspace import open_workspace

from user_service import events
from user_service.service.avatars import Avatars, Studio
from user_service.service.pictures import Pictures
from user_service.service.profile_changes import ProfileChanges
from user_service.settings import UserSettings
from user_service.store.accounts import AccountStore
from user_service.store.avatars import AvatarFiles, PlaceStore
from user_service.store.profiles import ProfileCache


def open_pictures(stack: AsyncExitStack, settings: UserSettings) -> Pictures:
    pictures = Pictures(settings.picture_limits)
    stack.push_async_callback(pictures.close)
    return pictures


def open_avatars(
    stack: AsyncExitStack,
    settings: UserSettings,
    postgres: Postgres,
    outbox: Outbox,
    bucket: Bucket,
    pictures: Pictures,
    cache: ProfileCache,
    clock: Callable[[], datetime],
) -> Avatars:
    accounts = AccountStore(postgres)
    studio = Studio(
        files=AvatarFiles(bucket, clock),
        places=PlaceStore(postgres),
        pictures=pictures,
        workspace=stack.enter_context(open_workspace(settings.avatar_folder)),
        random_key=lambda: secrets.token_hex(16),
    )
    return Avatars(outbox, accounts, ProfileChanges(accounts, events.event_of), cache, studio)


def following_states(settings: UserSettings, avatars: Avatars) -> Consumer:
    """Keeps the avatars of those who are suspended or deleted from being fetched."""

    async def changed(event: AccountStateChanged, _delivery: Delivery) -> None:
        await avatars.follow_state(event.profile.id)

    return Consumer(
        settings,
        group="user.avatars",
        topics=[events.TOPIC],
        handle=dispatch(UserEvent, {"account_state_changed": changed}),
    )
