"""What the user service reads from its environment."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

from kit.settings import (
    CommaSeparated,
    KafkaSettings,
    PostgresSettings,
    ProcessSettings,
    RedisSettings,
    S3Settings,
    Settings,
)
from pydantic import Field, SecretStr

from user_service.service.passwords import HashingCost
from user_service.service.relying_party import RelyingParty
from user_service.service.sealing import Seals
from user_service.service.tokens import TokenRules

FactorKey = Annotated[SecretStr, Field(min_length=32)]


class KeySettings(Settings):
    """`keys` and `serve`: the folder of private signing keys."""

    token_keys_dir: Path


class UserSettings(ProcessSettings, PostgresSettings, RedisSettings, KafkaSettings, S3Settings, KeySettings):
    """`serve` and `work`.

    The default cost of a password is the first choice of OWASP's cheat sheet for argon2id: about 50 ms of one core and
    46 MiB for each thread. `factor_keys` are at least 32 random characters each, newest first; `passkey_rp_id` is the
    domain of the pages or apps in `passkey_origins`: no address of numbers, as WebAuthn has it."""

    password_time_cost: int = Field(default=1, ge=1)
    password_memory_kib: int = Field(default=47_104, ge=8)
    password_parallelism: int = Field(default=1, ge=1)
    password_threads: int = Field(default=2, ge=1)
    password_queue: int = Field(default=64, ge=0)
    access_token_seconds: int = Field(default=900, ge=10, le=900)
    refresh_token_days: int = Field(default=60, ge=1)
    token_key_settling_seconds: int = Field(default=120, ge=0)
    profile_cache_seconds: int = Field(default=3600, ge=1)
    admin_requires_factor: bool = True
    factor_keys: Annotated[tuple[FactorKey, ...], Field(min_length=1), *CommaSeparated]
    passkey_rp_id: str = "localhost"
    passkey_origins: Annotated[tuple[str, ...], Field(min_length=1), *CommaSeparated] = ("http://localhost:8080",)

    @property
    def seals(self) -> Seals:
        return Seals([key.get_secret_value() for key in self.factor_keys])

    @property
    def relying_party(self) -> RelyingParty:
        return RelyingParty(self.passkey_rp_id, self.passkey_origins)

    @property
    def hashing(self) -> HashingCost:
        return HashingCost(
            time_cost=self.password_time_cost,
            memory_kib=self.password_memory_kib,
            parallelism=self.password_parallelism,
            threads=self.password_threads,
            queue=self.password_queue,
        )

    @property
    def tokens(self) -> TokenRules:
        return TokenRules(
            lifetime=timedelta(seconds=self.access_token_seconds),
            settling=timedelta(seconds=self.token_key_settling_seconds),
        )


class WorkerSettings(UserSettings):
    """`work`."""
