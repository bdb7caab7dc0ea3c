"""One's own picture."""

import asyncio
import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Query, Request, Response
from fastapi.exceptions import RequestValidationError
from heliograph.user.v1 import settings_pb2
from kit import deadline
from pydantic import ValidationError

from gateway.errors import Refusal
from gateway.forms import IncomingFile, receive_file, receive_form
from gateway.here import Here, HereDep, nothing
from gateway.people import counts
from gateway.routing import Policy, Routes
from gateway.schemas import answers
from gateway.schemas.avatars import BODY, MAX_BYTES, TYPES, Focus

routes = Routes("Profile")

_SECONDS = 30.0
Part = Annotated[float, Query(ge=0, le=1, allow_inf_nan=False)]


@routes.add(
    "PUT /v1/me/avatar",
    "setAvatar",
    "Set one's picture: a JPEG, PNG, WebP or GIF of at most 10 MiB, as the body or as the `file` of a form",
    answers.Account,
    problems=(404,),
    policy=Policy(scope="write", multipart=True, body=BODY),
    etag=True,
)
async def set_avatar(here: HereDep, request: Request, focal_x: Part = 0.5, focal_y: Part = 0.5) -> Response:
    async with _received(request, Focus(focal_x=focal_x, focal_y=focal_y)) as (file, focus):
        if file.size > MAX_BYTES:
            raise Refusal(413, "BODY_TOO_LARGE", f"the picture has more than {MAX_BYTES} bytes")
        with deadline.within(_SECONDS):
            return await _set(here, file, focus)


@routes.add(
    "DELETE /v1/me/avatar", "removeAvatar", "Remove one's picture", status=204, policy=Policy(scope="write", seconds=5)
)
async def remove_avatar(here: HereDep) -> Response:
    await here.services.avatars.RemoveAvatar(settings_pb2.RemoveAvatarRequest(viewer_id=here.viewer.id))
    return nothing()


async def _set(here: Here, file: IncomingFile, focus: Focus) -> Response:
    """What of it is left in storage when a step fails, the user service sweeps away."""
    key = f"avatars/uploads/{here.viewer.id}/{uuid.uuid4().hex}"
    await here.parts.bucket.put(key, file.path, content_type="application/octet-stream")
    asked = settings_pb2.SetAvatarRequest(
        viewer_id=here.viewer.id, upload_key=key, focal_x=focus.focal_x, focal_y=focus.focal_y
    )
    made, known = await asyncio.gather(here.services.avatars.SetAvatar(asked), counts(here, [here.viewer.id]))
    return here.read(here.render.account(made.account, known.get(here.viewer.id)), made.account.etag)


@asynccontextmanager
async def _received(request: Request, focus: Focus) -> AsyncGenerator[tuple[IncomingFile, Focus]]:
    content_type = request.headers.get("content-type", "")
    if content_type.partition(";")[0].strip().lower() in TYPES:
        async with receive_file(request.stream()) as file:
            yield file, focus
        return
    if not content_type.lower().startswith("multipart/"):
        raise Refusal(415, "UNSUPPORTED_MEDIA_TYPE", f"the body must be one of {', '.join(TYPES)}, multipart/form-data")
    async with receive_form(content_type, request.stream()) as form:
        yield form.file, _focus(form.fields)


def _focus(fields: dict[str, str]) -> Focus:
    try:
        return Focus.model_validate_strings(fields)
    except ValidationError as error:
        faults = [{**fault, "loc": ("body", *fault["loc"])} for fault in error.errors(include_input=False)]
        raise RequestValidationError(faults) from None
