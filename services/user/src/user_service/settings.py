"""What the user service reads from its environment."""

import os
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Self

from kit.sandbox import Limits as PictureLimits
from kit.settings import (
    CommaSeparated,
    HostPort,
    KafkaSettings,
    PostgresSettings,
    ProcessSettings,
    RedisSettings,
    S3Settings,
    Settings,
)
from pydantic import Field, SecretStr, field_validator, model_validator

from user_service.clients import RelayAddress, Security
from user_service.model.keys import TokenRules
from user_service.model.limits import parse_quotas
from user_service.model.names import MIN_PASSWORD
from user_service.service.passwords import HashingCost
from user_service.service.relying_party import RelyingParty
from user_service.service.sealing import Seals

FactorKey = Annotated[SecretStr, Field(min_length=32)]


class KeyTimes(Settings):
    """How long access tokens live, and how long a new key waits before it signs."""

    access_token_seconds: int = Field(default=900, ge=10, le=900)
    token_key_settling_seconds: int = Field(default=120, ge=0)

    @property
    def tokens(self) -> TokenRules:
        return TokenRules(
            lifetime=timedelta(seconds=self.access_token_seconds),
            settling=timedelta(seconds=self.token_key_settling_seconds),
        )


class KeySettings(KeyTimes):
    """`keys` and `serve`: the folder of private signing keys."""

    token_keys_dir: Path


class UserSettings(ProcessSettings, PostgresSettings, RedisSettings, KafkaSettings, S3Settings, KeySettings):
    """`serve` and `work`.

    The default cost of a password is the first choice of OWASP's cheat sheet for argon2id: 50 to 110 ms of one core
    and 46 MiB for each thread. `factor_keys` are at least 32 random characters each, of which the first seals;
    `passkey_rp_id` is the domain of the pages or apps in `passkey_origins`: no address of numbers, as WebAuthn has it.
    `avatar_folder` is for files in work, the other `avatar_*` are limits of one picture's making."""

    password_min_length: int = Field(default=MIN_PASSWORD, ge=MIN_PASSWORD, le=64)
    password_time_cost: int = Field(default=1, ge=1)
    password_memory_kib: int = Field(default=47_104, ge=8)
    password_parallelism: int = Field(default=1, ge=1)
    password_threads: int = Field(default=2, ge=1)
    password_queue: int = Field(default=64, ge=0)
    refresh_token_days: int = Field(default=60, ge=1)
    # Changes to the defaults, such as "log_in.network=5/900,register.address=3/60": attempts and seconds.
    attempt_limits: str = ""
    security_event_days: int = Field(default=180, ge=1)
    profile_cache_seconds: int = Field(default=3600, ge=1)
    avatar_folder: Path = Path(tempfile.gettempdir()) / f"heliograph-avatars-{os.getuid()}"
    avatar_memory_bytes: int = Field(default=1 << 30, ge=256 << 20)
    avatar_cpu_seconds: int = Field(default=10, ge=1)
    avatar_wall_seconds: float = Field(default=15, gt=0)
    deletion_grace_seconds: int = Field(default=30 * 24 * 3600, ge=0)
    export_pause_seconds: int = Field(default=24 * 3600, ge=0)
    breached_passwords_file: Path | None = None
    username_hold_days: int = Field(default=30, ge=1)
    username_changes: int = Field(default=3, ge=1)
    require_verified_email: bool = False
    admin_requires_factor: bool = True
    factor_keys: Annotated[tuple[FactorKey, ...], Field(min_length=1), *CommaSeparated]
    passkey_rp_id: str = "localhost"
    passkey_origins: Annotated[tuple[str, ...], Field(min_length=1), *CommaSeparated] = ("http://localhost:8080",)

    @field_validator("attempt_limits")
    @classmethod
    def _can_be_read(cls, value: str) -> str:
        parse_quotas(value)
        return value

    @property
    def seals(self) -> Seals:
        return Seals([key.get_secret_value() for key in self.factor_keys])

    @property
    def relying_party(self) -> RelyingParty:
        return RelyingParty(self.passkey_rp_id, self.passkey_origins)

    @property
    def picture_limits(self) -> PictureLimits:
        return PictureLimits(self.avatar_memory_bytes, self.avatar_cpu_seconds, self.avatar_wall_seconds)

    @property
    def hashing(self) -> HashingCost:
        return HashingCost(
            time_cost=self.password_time_cost,
            memory_kib=self.password_memory_kib,
            parallelism=self.password_parallelism,
            threads=self.password_threads,
            queue=self.password_queue,
        )


class WorkerSettings(UserSettings):
    """`work`. `web_url` is what the links of letters begin with. The targets are asked for exports and erasures;
    `export_folder` is for archives in work."""

    graph_target: str
    post_target: str
    feed_target: str
    notify_target: str
    search_target: str
    export_folder: Path = Path(tempfile.gettempdir()) / f"heliograph-exports-{os.getuid()}"
    export_days: int = Field(default=7, ge=1)
    lifecycle_lease_seconds: float = Field(default=60, ge=1)
    lifecycle_poll_seconds: float = Field(default=5, gt=0)
    smtp_address: HostPort
    smtp_security: Security = "starttls"
    smtp_username: str = ""
    smtp_password: SecretStr = SecretStr("")
    smtp_ca_file: Path | None = None
    mail_from: str = Field(pattern=r"^[^\r\n]*[^\s<>@]+@[^\s<>@]+>?$")
    web_url: str = Field(pattern=r"^https?://[^\s/?#]+[^\s?#]*$")

    @property
    def keepers(self) -> dict[str, str]:
        """Targets of the services that keep something about accounts, in the order in which they are asked to erase:
        who takes in what others tell comes before those who tell it."""
        return {
            "feed": self.feed_target,
            "notify": self.notify_target,
            "post": self.post_target,
            "graph": self.graph_target,
            "search": self.search_target,
        }

    @property
    def relay(self) -> RelayAddress:
        host, _, port = self.smtp_address.rpartition(":")
        password = self.smtp_password.get_secret_value()
        return RelayAddress(host, int(port), self.smtp_security, self.smtp_username, password, self.smtp_ca_file)

    @model_validator(mode="after")
    def _no_password_in_the_clear(self) -> Self:
        if self.smtp_username and self.smtp_security == "none":
            raise ValueError("HELIOGRAPH_SMTP_USERNAME needs HELIOGRAPH_SMTP_SECURITY to be starttls or tls")
        return self
