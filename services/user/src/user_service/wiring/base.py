"""What every part of the service stands on."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta

from kit.hotredis import open_hot_redis
from kit.kafka import open_producer
from kit.outbox import Outbox
from kit.postgres import Postgres, open_postgres
from kit.redis import open_redis
from kit.s3 import Bucket, open_bucket
from redis.asyncio import Redis

from user_service import events
from user_service.service.avatars import Avatars
from user_service.service.factor_notices import FactorNotices
from user_service.service.factors import Factors
from user_service.service.passwords import Passwords, open_passwords
from user_service.service.pictures import Pictures
from user_service.service.sessions import Sessions
from user_service.service.sign_in import SignIn
from user_service.service.states import States
from user_service.service.tokens import AccessTokens
from user_service.settings import UserSettings
from user_service.store.accounts import AccountStore
from user_service.store.challenges import ChallengeStore
from user_service.store.factors import FactorStore
from user_service.store.keys import KeyFolder
from user_service.store.lifecycle import ErasureStore
from user_service.store.mail import MailQueue
from user_service.store.passkeys import PasskeyStore
from user_service.store.profiles import ProfileCache
from user_service.store.security_log import SecurityLog
from user_service.store.sessions import SessionStore
from user_service.wiring.avatars import open_avatars, open_pictures
from user_service.wiring.entrance import Entrance, calling_off, entrance_of


@dataclass(frozen=True)
class Base:
    settings: UserSettings
    clock: Callable[[], datetime]
    postgres: Postgres
    redis: Redis
    bucket: Bucket
    outbox: Outbox
    passwords: Passwords
    tokens: AccessTokens
    accounts: AccountStore
    profiles: ProfileCache
    sessions: SessionStore
    log: SecurityLog
    mail: MailQueue
    factors: Factors
    entrance: Entrance
    sign_in: SignIn
    grants: Sessions
    states: States
    pictures: Pictures
    avatars: Avatars


async def open_base(stack: AsyncExitStack, settings: UserSettings, clock: Callable[[], datetime]) -> Base:
    postgres = await stack.enter_async_context(open_postgres(settings))
    redis = await stack.enter_async_context(open_redis(settings))
    producer = await stack.enter_async_context(open_producer(settings))
    passwords = await stack.enter_async_context(open_passwords(settings.hashing))
    accounts, sessions, log = AccountStore(postgres), SessionStore(postgres), SecurityLog()
    outbox = Outbox(postgres, producer, source="user", topic_prefix=settings.topic_prefix)
    tokens = AccessTokens(KeyFolder(settings.token_keys_dir), settings.tokens)
    hot = await stack.enter_async_context(open_hot_redis(settings))
    profiles = ProfileCache(redis, events.encode, events.decode, settings.profile_cache_seconds, hot)
    mail = MailQueue()
    bucket = await stack.enter_async_context(open_bucket(settings))
    pictures = open_pictures(stack, settings)
    factors = _factors(settings, postgres, accounts, FactorNotices(log, mail, clock), clock)
    entrance = entrance_of(settings, postgres, redis, clock)
    states = States(outbox, accounts, sessions, profiles, log, tokens, events.event_of, clock)
    return Base(
        settings=settings,
        clock=clock,
        postgres=postgres,
        redis=redis,
        bucket=bucket,
        outbox=outbox,
        passwords=passwords,
        tokens=tokens,
        accounts=accounts,
        profiles=profiles,
        sessions=sessions,
        log=log,
        mail=mail,
        factors=factors,
        entrance=entrance,
        sign_in=SignIn(
            accounts,
            passwords,
            factors,
            ChallengeStore(postgres),
            entrance.guesses,
            calling_off(states, ErasureStore(postgres), clock),
            clock,
            verified_only=settings.require_verified_email,
        ),
        grants=Sessions(
            postgres,
            sessions,
            accounts,
            tokens,
            log,
            lifetime=timedelta(days=settings.refresh_token_days),
            clock=clock,
        ),
        states=states,
        pictures=pictures,
        avatars=open_avatars(stack, settings, postgres, outbox, bucket, pictures, profiles, clock),
    )


def _factors(
    settings: UserSettings,
    postgres: Postgres,
    accounts: AccountStore,
    notices: FactorNotices,
    clock: Callable[[], datetime],
) -> Factors:
    store, passkeys = FactorStore(postgres), PasskeyStore(postgres)
    return Factors(postgres, store, passkeys, accounts, notices, settings.seals, settings.relying_party, clock)
