"""Exports and deletions: what is asked for, and the tasks that do it."""

import secrets
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta

from kit.s3 import Bucket
from kit.server import Task
from kit.workspace import open_workspace

from user_service import events
from user_service.clients import PersonalDataPeer, open_peers
from user_service.model.lifecycle import ARCHIVE_NAME
from user_service.rpc.lifecycle import LifecycleRpc
from user_service.service.confirmations import Confirmations
from user_service.service.erasing import Erasing
from user_service.service.exporting import Exporting
from user_service.service.lifecycle import Lifecycle
from user_service.service.oauth.apps import Apps
from user_service.service.oauth.lasting import Lasting
from user_service.service.personal import PersonalData
from user_service.settings import WorkerSettings
from user_service.store.app_sessions import AppSessionStore
from user_service.store.apps import AppStore
from user_service.store.lifecycle import ErasureStore, ExportStore
from user_service.store.passkeys import PasskeyStore
from user_service.store.personal import PersonalStore
from user_service.wiring.base import Base


def lifecycle_rpc_of(base: Base) -> LifecycleRpc:
    passkeys = PasskeyStore(base.postgres)
    lifecycle = Lifecycle(
        base.outbox,
        base.accounts,
        ExportStore(base.postgres),
        ErasureStore(base.postgres),
        base.states,
        Confirmations(base.sign_in, base.entrance.guesses, base.factors, passkeys, base.clock),
        base.log,
        base.mail,
        _Links(base.bucket),
        base.clock,
        pause=timedelta(seconds=base.settings.export_pause_seconds),
        grace=timedelta(seconds=base.settings.deletion_grace_seconds),
    )
    return LifecycleRpc(lifecycle)


async def lifecycle_tasks_of(stack: AsyncExitStack, base: Base, settings: WorkerSettings) -> Sequence[Task]:
    peers = await open_peers(stack, settings.keepers, settings.tls_dir)
    return [exporting_of(stack, base, settings, peers).run, erasing_of(base, settings, peers).run]


def exporting_of(
    stack: AsyncExitStack, base: Base, settings: WorkerSettings, peers: Mapping[str, PersonalDataPeer]
) -> Exporting:
    return Exporting(
        base.outbox,
        base.accounts,
        ExportStore(base.postgres),
        base.mail,
        base.bucket,
        stack.enter_context(open_workspace(settings.export_folder)),
        {"account": personal_data_of(base), **peers},
        lambda: secrets.token_hex(16),
        base.clock,
        life=timedelta(days=settings.export_days),
        lease=timedelta(seconds=settings.lifecycle_lease_seconds),
        poll=settings.lifecycle_poll_seconds,
    )


def erasing_of(base: Base, settings: WorkerSettings, peers: Mapping[str, PersonalDataPeer]) -> Erasing:
    return Erasing(
        base.outbox,
        base.accounts,
        ErasureStore(base.postgres),
        personal_data_of(base),
        peers,
        base.clock,
        lease=timedelta(seconds=settings.lifecycle_lease_seconds),
        poll=settings.lifecycle_poll_seconds,
    )


def personal_data_of(base: Base) -> PersonalData:
    lasting = Lasting(base.clock, base.tokens.over_by)
    apps = Apps(base.postgres, AppStore(base.postgres), AppSessionStore(), base.accounts, base.log, lasting)
    return PersonalData(
        base.outbox,
        PersonalStore(base.postgres),
        base.accounts,
        ErasureStore(base.postgres),
        ExportStore(base.postgres),
        base.profiles,
        base.bucket,
        base.avatars,
        _OwnApps(apps),
        events.erased_event_of,
    )


class _OwnApps:
    def __init__(self, apps: Apps) -> None:
        self._apps = apps

    async def delete_all(self, owner_id: int) -> None:
        while found := await self._apps.list(owner_id):
            for app in found:
                await self._apps.delete(owner_id, app.id)


class _Links:
    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    def link(self, object_key: str, *, seconds: float) -> str:
        return self._bucket.presign_get(object_key, filename=ARCHIVE_NAME, expires=seconds)
