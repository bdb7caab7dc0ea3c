"""One S3 bucket by boto3, which blocks: its calls run in a bounded pool of threads."""

import asyncio
import base64
import hashlib
from collections.abc import AsyncGenerator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import boto3
from boto3.exceptions import S3UploadFailedError
from botocore.config import Config
from botocore.exceptions import ClientError
from s3transfer.exceptions import RetriesExceededError

from kit.errors import Unavailable
from kit.settings import S3Settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

T = TypeVar("T")

_THREADS = 16
_CHUNK = 256 * 1024
_DELETE_AT_ONCE = 1000
_MISSING = {"404", "NoSuchKey", "NotFound"}
_SERVER_ERROR = 500
_PASSED_ON = (
    "accept-ranges",
    "cache-control",
    "content-length",
    "content-range",
    "content-type",
    "etag",
    "last-modified",
)


@dataclass(frozen=True)
class Entry:
    """An object in the bucket. `content_type` is empty in listings; `etag` has its quotes, and may be empty there."""

    key: str
    bytes: int
    etag: str
    modified: datetime
    content_type: str = ""


@dataclass(frozen=True)
class Upload:
    """What the uploader must do: PUT to `url` with exactly these headers, or S3 refuses it."""

    url: str
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Reading:
    """An answer to pass on: `status` is 200, 206, 304, 404 or 416; `headers` are in lower case; only 200 and 206 have
    chunks."""

    status: int
    headers: Mapping[str, str]
    chunks: AsyncGenerator[bytes]


class Bucket:
    """Raises Unavailable, or botocore's errors that kit.errors.from_exception knows, when S3 is away."""

    def __init__(self, settings: S3Settings, threads: ThreadPoolExecutor) -> None:
        self.name = settings.s3_bucket
        self._threads = threads
        self._client = _client(settings, settings.s3_endpoint)
        public = settings.s3_public_endpoint or settings.s3_endpoint
        # To make a client takes much longer than to use it.
        self._public = self._client if public == settings.s3_endpoint else _client(settings, public)

    def presign_put(
        self,
        key: str,
        *,
        content_type: str,
        bytes: int,  # noqa: A002 the unit
        sha256: str = "",
        expires: float = 900,
    ) -> Upload:
        """A direct upload of exactly `bytes` bytes of that type, and of that content when the digest (hex) is given,
        valid for `expires` seconds. All of it is signed, so anything else is refused. No I/O."""
        params: dict[str, Any] = {"Bucket": self.name, "Key": key, "ContentType": content_type, "ContentLength": bytes}
        headers = {"Content-Type": content_type, "Content-Length": str(bytes)}
        if sha256:
            digest = base64.b64encode(bytearray.fromhex(sha256)).decode()
            params["ChecksumSHA256"] = headers["x-amz-checksum-sha256"] = digest
        return Upload(self._public.generate_presigned_url("put_object", params, ExpiresIn=int(expires)), headers)

    def presign_get(self, key: str, *, filename: str, expires: float) -> str:
        """Where whoever knows it can fetch the object for `expires` seconds, as a file of that name that nobody on the
        way may keep. No I/O."""
        params = {
            "Bucket": self.name,
            "Key": key,
            "ResponseContentDisposition": f'attachment; filename="{filename}"',
            "ResponseCacheControl": "private, no-store",
        }
        return self._public.generate_presigned_url("get_object", params, ExpiresIn=int(expires))

    async def head(self, key: str) -> Entry | None:
        """None when there is no such object."""

        def look() -> Entry | None:
            try:
                found = self._client.head_object(Bucket=self.name, Key=key)
            except ClientError as error:
                if _code(error) in _MISSING:
                    return None
                raise
            return Entry(key, found["ContentLength"], found["ETag"], found["LastModified"], found["ContentType"])

        return await self._run(look)

    async def get_to_file(self, key: str, path: Path) -> bool:
        """Answers False when there is no such object."""

        def download() -> bool:
            try:
                with path.open("wb") as file:
                    self._client.download_fileobj(self.name, key, file)
            except ClientError as error:
                if _code(error) in _MISSING:
                    return False
                raise
            return True

        return await self._run(download)

    async def put_file(self, key: str, path: Path, *, content_type: str, cache_control: str = "") -> None:
        await self.put(key, path, content_type=content_type, cache_control=cache_control)

    async def put(self, key: str, content: bytes | Path, *, content_type: str, cache_control: str = "") -> None:
        extra: dict[str, Any] = {"CacheControl": cache_control} if cache_control else {}

        def upload() -> None:
            if isinstance(content, Path):
                extra["ContentType"] = content_type
                self._client.upload_file(str(content), self.name, key, ExtraArgs=extra)
            else:
                self._client.put_object(Bucket=self.name, Key=key, Body=content, ContentType=content_type, **extra)

        await self._run(upload)

    async def copy(self, source: str, target: str) -> None:
        """Inside the bucket, with type and headers; bytes do not pass through here."""
        origin: Any = {"Bucket": self.name, "Key": source}
        await self._run(lambda: self._client.copy(origin, self.name, target))

    async def delete(self, *keys: str) -> None:
        """What does not exist is fine."""
        for start in range(0, len(keys), _DELETE_AT_ONCE):
            objects: Any = [{"Key": key} for key in keys[start : start + _DELETE_AT_ONCE]]
            await self._run(lambda chosen=objects: self._delete(chosen))

    async def list(self, prefix: str = "") -> AsyncGenerator[Entry]:
        """In the order of the keys."""
        pages = iter(self._client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix))
        while (page := await self._run(lambda: next(pages, None))) is not None:
            for entry in page.get("Contents", []):
                # All fields are optional by type. Some servers leave out the ETag of an object that is being written.
                row: Any = entry
                yield Entry(row["Key"], row["Size"], row.get("ETag", ""), row["LastModified"])

    async def sha256(self, key: str) -> str:
        """The digest (hex) of what is stored, read as a stream; empty when there is no such object."""
        reading = await self.open(key)
        if reading.status != 200:
            return ""
        digest = hashlib.sha256()
        async for chunk in reading.chunks:
            digest.update(chunk)
        return digest.hexdigest()

    async def open(self, key: str, *, byte_range: str = "", if_none_match: str = "") -> Reading:
        """The object as a stream. `byte_range` (Range) and `if_none_match` are the HTTP headers' values; a tag that no
        object can have, and no request can carry, is none."""
        params: dict[str, Any] = {"Bucket": self.name, "Key": key}
        params |= {"Range": byte_range} if byte_range else {}
        sendable = if_none_match.isascii() and if_none_match.isprintable()
        params |= {"IfNoneMatch": if_none_match} if if_none_match and sendable else {}
        return await self._run(lambda: self._open(params))

    async def stream(self, key: str) -> AsyncGenerator[bytes]:
        """The object's bytes; nothing when there is no such object."""
        reading = await self.open(key)
        async for chunk in reading.chunks:
            yield chunk

    def _delete(self, objects: Any) -> None:
        answer = self._client.delete_objects(Bucket=self.name, Delete={"Objects": objects, "Quiet": True})
        if faults := answer.get("Errors"):
            raise Unavailable("S3_UNAVAILABLE", "a backing service is not available", retry_after=1) from OSError(
                str(faults)
            )

    def _open(self, params: dict[str, Any]) -> Reading:
        try:
            answer: Any = self._client.get_object(**params)
        except ClientError as error:
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", _SERVER_ERROR)
            if status in {304, 404, 416}:
                return Reading(status, _headers(error.response), _nothing())
            raise
        status = answer["ResponseMetadata"]["HTTPStatusCode"]
        return Reading(status, _headers(answer), self._chunks(answer["Body"]))

    async def _chunks(self, body: Any) -> AsyncGenerator[bytes]:
        try:
            while chunk := await self._run(lambda: body.read(_CHUNK)):
                yield chunk
        finally:
            body.close()

    async def _run(self, call: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, call)
        except RetriesExceededError as error:
            raise _unavailable() from error
        except (ClientError, S3UploadFailedError) as error:
            if _status(error) >= _SERVER_ERROR:
                raise _unavailable() from error
            raise


@asynccontextmanager
async def open_bucket(settings: S3Settings) -> AsyncGenerator[Bucket]:
    """Connects when first used."""
    with ThreadPoolExecutor(_THREADS, "s3") as threads:
        yield Bucket(settings, threads)


async def _nothing() -> AsyncGenerator[bytes]:
    return
    yield b""


def _client(settings: S3Settings, endpoint: str) -> "S3Client":
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name=settings.s3_region,
        aws_access_key_id=settings.s3_access_key.get_secret_value(),
        aws_secret_access_key=settings.s3_secret_key.get_secret_value(),
        config=Config(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            connect_timeout=2,
            read_timeout=20,
            max_pool_connections=_THREADS * 4,  # a stream keeps its connection between two chunks
            retries={"total_max_attempts": 2, "mode": "standard"},
            # Else a presigned upload would carry a checksum that the uploader knows nothing of.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )


def _headers(answer: Any) -> dict[str, str]:
    raw = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    return {name: raw[name] for name in _PASSED_ON if name in raw}


def _status(error: Exception) -> int:
    """An upload's error wraps the one that says what S3 answered."""
    said = error.__context__ if isinstance(error, S3UploadFailedError) else error
    return said.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) if isinstance(said, ClientError) else 0


def _code(error: ClientError) -> str:
    return error.response.get("Error", {}).get("Code", "")


def _unavailable() -> Unavailable:
    return Unavailable("S3_UNAVAILABLE", "a backing service is not available", retry_after=1)
