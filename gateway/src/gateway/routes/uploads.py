"""One multipart request for clients that cannot upload to storage by themselves."""

import asyncio
from urllib.parse import unquote, urlsplit

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from heliograph.post.v1 import post_pb2
from kit import deadline
from kit.errors import DomainError
from pydantic import ValidationError

from gateway import idempotency
from gateway.errors import Refusal, problem
from gateway.forms import Form, receive_form
from gateway.here import Here, HereDep, answer
from gateway.routes.media import KINDS
from gateway.routing import Policy, Routes, scope_of
from gateway.schemas import answers, requests

routes = Routes("Media")

_STORE_SECONDS = 120.0
_LOCK_SECONDS = 60.0


@routes.add(
    "POST /v1/media/upload",
    "uploadMedia",
    "Announce, upload and complete in one request",
    answers.Media,
    status=201,
    problems=(409,),
    policy=Policy(scope="write", multipart=True, once=True),
)
async def upload(here: HereDep, request: Request) -> Response:
    key = idempotency.read_key(request.headers.getlist("idempotency-key"))
    async with receive_form(request.headers.get("content-type", ""), request.stream()) as form:
        fields = _fields(form)
        if key is None:
            return await _store(here, form, fields)
        return await _store_once(here, form, fields, key)


async def _store_once(here: Here, form: Form, fields: requests.UploadFields, key: str) -> Response:
    """What was sent is told by the file and the fields: the form's boundary differs each time."""
    fingerprint = here.parts.records.fingerprint(f"{form.file.sha256}\n{fields.model_dump_json()}".encode())
    scope = scope_of(here.request, key)
    here.request.state.creation_id = scope.creation_id
    claim = await here.parts.records.claim(scope, fingerprint, _LOCK_SECONDS)
    if isinstance(claim, Response):
        return claim
    try:
        response = await _store(here, form, fields)
    except (Refusal, DomainError) as error:
        response = problem(error, here.request.url.path)
    except BaseException:
        await asyncio.shield(claim.release())
        raise
    await claim.settle(response)
    return response


async def _store(here: Here, form: Form, fields: requests.UploadFields) -> Response:
    kind = fields.kind or ("video" if form.file.content_type.startswith("video/") else "image")
    with deadline.within(_STORE_SECONDS):
        made = await here.services.post.CreateMedia(
            post_pb2.CreateMediaRequest(
                viewer_id=here.viewer.id,
                kind=KINDS[kind],
                content_type=form.file.content_type,
                bytes=form.file.size,
                sha256=form.file.sha256,
                alt_text=fields.alt_text,
                request_id=here.creation_id,
            )
        )
        if made.media.state == post_pb2.MEDIA_STATE_WAITING:
            await _send(here, made.upload, form)
        asked = post_pb2.CompleteMediaRequest(viewer_id=here.viewer.id, media_id=made.media.id)
        media = (await here.services.post.CompleteMedia(asked)).media
    return answer(here.render.media(media), 201, {"Location": f"/v1/media/{media.id}"})


async def _send(here: Here, target: post_pb2.Upload, form: Form) -> None:
    """To where the presigned URL points, by the way that is open to us: clients may reach storage by another."""
    bucket = here.parts.bucket
    key = unquote(urlsplit(target.url).path).removeprefix("/").removeprefix(f"{bucket.name}/")
    await bucket.put(key, form.file.path, content_type=form.file.content_type)


def _fields(form: Form) -> requests.UploadFields:
    try:
        return requests.UploadFields.model_validate(form.fields)
    except ValidationError as error:
        faults = [{**fault, "loc": ("body", *fault["loc"])} for fault in error.errors(include_input=False)]
        raise RequestValidationError(faults) from None
