"""Settings of the gateway, read from HELIOGRAPH_* variables or files (see README.md)."""

from ipaddress import IPv4Network, IPv6Network
from typing import Annotated

from kit.settings import CommaSeparated, ProcessSettings, RedisSettings, S3Settings
from pydantic import Field, SecretStr, field_validator

from gateway.limits import parse_quotas

Network = IPv4Network | IPv6Network
BaseUrl = Annotated[str, Field(pattern=r"^https?://[^\s/?#]+[^\s?#]*[^\s/?#]$")]
Key = Annotated[SecretStr, Field(min_length=16)]


class GatewaySettings(ProcessSettings, RedisSettings, S3Settings):
    """`public_url` is the API's own base, `media_base_url` that of the edge (or of the gateway itself)."""

    user_target: str
    graph_target: str
    post_target: str
    feed_target: str
    notify_target: str
    search_target: str
    cursor_key: Key
    media_url_key: Key
    public_url: BaseUrl
    media_base_url: BaseUrl
    cors_origins: Annotated[tuple[str, ...], *CommaSeparated] = ("*",)
    # Only these may say in X-Forwarded-For who is asking.
    trusted_proxies: Annotated[tuple[Network, ...], *CommaSeparated] = ()
    # Changes to the defaults, such as "read.user=600/60,auth.address=20/60": requests and seconds.
    rate_limits: str = ""
    max_body_bytes: int = Field(default=1 << 20, ge=1024)
    max_upload_bytes: int = Field(default=512 << 20, ge=1024)
    keep_alive_seconds: int = Field(default=75, ge=1)

    @field_validator("rate_limits")
    @classmethod
    def _can_be_read(cls, value: str) -> str:
        parse_quotas(value)
        return value
