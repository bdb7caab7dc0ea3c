"""The calls and the tasks of `serve`. Each gRPC service is wired by a function of its own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import grpc
from heliograph.events.v1.user_events_pb2 import UserEvent
from heliograph.user.v1 import (
    admin_pb2,
    admin_pb2_grpc,
    credentials_pb2,
    credentials_pb2_grpc,
    factors_pb2,
    factors_pb2_grpc,
    lifecycle_pb2,
    lifecycle_pb2_grpc,
    oauth_pb2,
    oauth_pb2_grpc,
    settings_pb2,
    settings_pb2_grpc,
    sign_in_pb2,
    sign_in_pb2_grpc,
    user_pb2,
    user_pb2_grpc,
)
from kit.consumer import Consumer, dispatch
from kit.server import Task

from user_service import events
from user_service.rpc.administration import AdminRpc
from user_service.rpc.avatars import AvatarRpc
from user_service.rpc.settings import SettingsRpc
from user_service.rpc.users import UserRpc
from user_service.service.log_in import LogIns
from user_service.service.profile_changes import ProfileChanges
from user_service.service.settings import AccountSettings
from user_service.store.settings import SettingsStore
from user_service.wiring.accounts import accounts_of, credential_rpc_of
from user_service.wiring.administration import administration_of
from user_service.wiring.base import Base
from user_service.wiring.factors import factor_rpc_of
from user_service.wiring.lifecycle import lifecycle_rpc_of
from user_service.wiring.oauth import oauth_rpc_of
from user_service.wiring.sign_in import sign_in_rpc_of


@dataclass(frozen=True)
class Part:
    """One gRPC service, and the tasks that go with it."""

    name: str
    register: Callable[[grpc.aio.Server], None]
    tasks: Sequence[Task] = ()


@dataclass(frozen=True)
class Serving:
    parts: Sequence[Part]

    @property
    def register(self) -> Sequence[Callable[[grpc.aio.Server], None]]:
        return [part.register for part in self.parts]

    @property
    def names(self) -> Sequence[str]:
        return [part.name for part in self.parts]

    @property
    def tasks(self) -> Sequence[Task]:
        return [task for part in self.parts for task in part.tasks]


def serving_of(base: Base) -> Serving:
    return Serving(
        [
            users(base),
            signing_in(base),
            credentials(base),
            administration(base),
            factors(base),
            settings(base),
            avatars(base),
            oauth(base),
            lifecycle(base),
        ]
    )


def users(base: Base) -> Part:
    accounts = accounts_of(base)
    log_ins = LogIns(base.sign_in, base.grants, base.entrance.devices)
    cached = Consumer(
        base.settings,
        group="user.profiles",
        topics=[events.TOPIC],
        handle=dispatch(UserEvent, events.handlers(accounts)),
    )
    rpc = UserRpc(accounts, base.grants, log_ins, base.tokens, base.outbox.published)
    return part(
        user_pb2,
        "UserService",
        partial(user_pb2_grpc.add_UserServiceServicer_to_server, rpc),
        (base.outbox.run, base.tokens.watch, base.grants.sweep, cached.run),
    )


def signing_in(base: Base) -> Part:
    register = partial(sign_in_pb2_grpc.add_SignInServiceServicer_to_server, sign_in_rpc_of(base))
    return part(sign_in_pb2, "SignInService", register, (base.entrance.failures.run,))


def credentials(base: Base) -> Part:
    register = partial(credentials_pb2_grpc.add_CredentialServiceServicer_to_server, credential_rpc_of(base))
    return part(credentials_pb2, "CredentialService", register)


def administration(base: Base) -> Part:
    rpc = AdminRpc(administration_of(base))
    return part(admin_pb2, "AdminService", partial(admin_pb2_grpc.add_AdminServiceServicer_to_server, rpc))


def factors(base: Base) -> Part:
    register = partial(factors_pb2_grpc.add_FactorServiceServicer_to_server, factor_rpc_of(base))
    return part(factors_pb2, "FactorService", register)


def settings(base: Base) -> Part:
    store, changes = SettingsStore(base.postgres), ProfileChanges(base.accounts, events.event_of)
    rpc = SettingsRpc(AccountSettings(base.outbox, base.accounts, store, changes, base.profiles))
    return part(settings_pb2, "SettingsService", partial(settings_pb2_grpc.add_SettingsServiceServicer_to_server, rpc))


def avatars(base: Base) -> Part:
    register = partial(settings_pb2_grpc.add_AvatarServiceServicer_to_server, AvatarRpc(base.avatars))
    return part(settings_pb2, "AvatarService", register, (base.pictures.stand_by,))


def oauth(base: Base) -> Part:
    rpc, tasks = oauth_rpc_of(base)
    return part(oauth_pb2, "OAuthService", partial(oauth_pb2_grpc.add_OAuthServiceServicer_to_server, rpc), tasks)


def lifecycle(base: Base) -> Part:
    register = partial(lifecycle_pb2_grpc.add_LifecycleServiceServicer_to_server, lifecycle_rpc_of(base))
    return part(lifecycle_pb2, "LifecycleService", register)


def part(module: Any, name: str, register: Callable[[grpc.aio.Server], None], tasks: Sequence[Task] = ()) -> Part:
    """`module` is the generated one that describes the service of this name."""
    return Part(module.DESCRIPTOR.services_by_name[name].full_name, register, tasks)
