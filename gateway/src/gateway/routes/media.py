"""Media: announced, uploaded straight to storage, processed in the background."""

from fastapi import Response
from heliograph.post.v1 import post_pb2

from gateway.here import Here, HereDep, answer
from gateway.routing import Policy, Routes
from gateway.schemas import answers, requests
from gateway.schemas.requests import Id

routes = Routes("Media")

KINDS = {"image": post_pb2.MEDIA_KIND_IMAGE, "video": post_pb2.MEDIA_KIND_VIDEO}


@routes.add(
    "POST /v1/media",
    "createMedia",
    "Announce a file and get where to upload it",
    answers.NewMedia,
    status=201,
    # A repeat gets an upload target that has not expired.
    policy=Policy(scope="write", once=True, replayed=False, json=True),
)
async def create(here: HereDep, body: requests.MediaAnnouncement) -> Response:
    made = await here.services.post.CreateMedia(
        post_pb2.CreateMediaRequest(
            viewer_id=here.viewer.id,
            kind=KINDS[body.kind],
            content_type=body.content_type,
            bytes=body.bytes,
            sha256=body.sha256,
            alt_text=body.alt_text,
            request_id=here.creation_id,
        )
    )
    location = {"Location": f"/v1/media/{made.media.id}"}
    return answer(here.render.new_media(made.media, made.upload), 201, location)


@routes.add(
    "POST /v1/media/{media_id}/complete",
    "completeMedia",
    "Say that the upload is done",
    answers.Media,
    status=202,
    problems=(404, 409),
    policy=Policy(scope="write", seconds=20, once=True),
)
async def complete(here: HereDep, media_id: Id) -> Response:
    asked = post_pb2.CompleteMediaRequest(viewer_id=here.viewer.id, media_id=media_id)
    return answer(here.render.media((await here.services.post.CompleteMedia(asked)).media), 202)


@routes.add("GET /v1/media/{media_id}", "getMedia", "Read a medium", answers.Media, problems=(404,), etag=True)
async def get(here: HereDep, media_id: Id) -> Response:
    asked = post_pb2.GetMediaRequest(viewer_id=here.viewer.id, media_id=media_id)
    return here.read(here.render.media((await here.services.post.GetMedia(asked)).media))


@routes.add(
    "PATCH /v1/media/{media_id}",
    "updateMedia",
    "Change alt text and focal point",
    answers.Media,
    problems=(404,),
    policy=Policy(scope="write", json=True),
    etag=True,
)
async def update(here: HereDep, media_id: Id, body: requests.MediaChange) -> Response:
    return here.read(here.render.media(await _update(here, media_id, body)))


async def _update(here: Here, media_id: int, body: requests.MediaChange) -> post_pb2.Media:
    focus = body.focal_point
    media = post_pb2.Media(id=media_id, alt_text=body.alt_text, focal_x=focus.x, focal_y=focus.y)
    asked = post_pb2.UpdateMediaRequest(viewer_id=here.viewer.id, media=media)
    if "alt_text" in body.model_fields_set:
        asked.update_mask.paths.append("alt_text")
    if "focal_point" in body.model_fields_set:
        asked.update_mask.paths.extend(("focal_x", "focal_y"))
    return (await here.services.post.UpdateMedia(asked)).media
