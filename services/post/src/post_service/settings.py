"""Settings of the post service and of its media worker."""

import os
import tempfile
from pathlib import Path

from kit.sandbox import Limits as JobLimits
from kit.settings import KafkaSettings, PostgresSettings, ProcessSettings, RedisSettings, S3Settings, Settings
from pydantic import Field, SecretStr

from post_service.model.media import Kind, Limits

_MIB = 1 << 20


class RenderingSettings(Settings):
    """What addresses of media are made with: the same as the gateway's. `media_base_url` is the edge's."""

    media_base_url: str = Field(pattern=r"^https?://[^\s/?#]+[^\s?#]*[^\s/?#]$")
    media_url_key: SecretStr = Field(min_length=16)


class PostSettings(ProcessSettings, PostgresSettings, RedisSettings, KafkaSettings, S3Settings, RenderingSettings):
    """Sizes in bytes, times in seconds."""

    user_target: str
    graph_target: str
    image_max_bytes: int = Field(default=30 * _MIB, ge=1)
    video_max_bytes: int = Field(default=500 * _MIB, ge=1)
    upload_expires_seconds: int = Field(default=900, ge=60, le=86_400)
    post_cache_seconds: int = Field(default=60, ge=1, le=300)

    @property
    def upload_limits(self) -> Limits:
        return Limits(self.image_max_bytes, self.video_max_bytes)


class MediaSettings(ProcessSettings, PostgresSettings, RedisSettings, KafkaSettings, S3Settings, RenderingSettings):
    """`media_concurrency` is how many media wait or are in work at once; the others are limits of one file's making."""

    user_target: str
    media_folder: Path = Path(tempfile.gettempdir()) / f"heliograph-media-{os.getuid()}"
    media_concurrency: int = Field(default=32, ge=1)
    media_memory_bytes: int = Field(default=2048 * _MIB, ge=512 * _MIB)
    image_cpu_seconds: int = Field(default=30, ge=1)
    image_wall_seconds: float = Field(default=60, gt=0)
    video_cpu_seconds: int = Field(default=900, ge=1)
    video_wall_seconds: float = Field(default=900, gt=0)
    post_cache_seconds: int = Field(default=60, ge=1, le=300)

    @property
    def job_limits(self) -> dict[Kind, JobLimits]:
        memory = self.media_memory_bytes
        return {
            Kind.IMAGE: JobLimits(memory, self.image_cpu_seconds, self.image_wall_seconds),
            Kind.VIDEO: JobLimits(memory, self.video_cpu_seconds, self.video_wall_seconds),
        }
