"""Whatever is sent, the answer is never an error of ours."""

import asyncio
import json
import re
from urllib.parse import quote

import httpx
from gateway.app import build_api
from gateway.routing import GuardedRoute
from gateway_world import Client, World
from google.protobuf.message import Message
from heliograph.post.v1 import post_pb2
from heliograph.user.v1 import factors_pb2, sign_in_pb2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ROUTES = [
    (method, route.path)
    for route in build_api().router.routes
    if isinstance(route, GuardedRoute) and route.path.startswith("/v1/")
    for method in route.methods or ()
]
NASTY = st.sampled_from(
    ["\x00", "\u202e", "9" * 400, "-1", "0", "1", "null", "é", "'", '"', "\\", "%", "a,b", "\ufffe"]
)
TEXT = NASTY | st.text(max_size=8)
NAMES = """media_ids title caption location name lat lon audience text reply_to username email password login bio up_to
ids refresh_token kind bytes sha256 content_type alt_text focal_point x y private_account cursor limit q type ~/"""
FIELD = st.sampled_from(NAMES.split())
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(FIELD, inner, max_size=6),
    max_leaves=12,
)
BODY = JSON.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=64)
CLASSES, SUBJECTS = ("read", "write", "auth", "upload"), ("user", "address")
UNLIMITED = ",".join(f"{name}.{subject}=1000000/1" for name in CLASSES for subject in SUBJECTS)


async def test_no_request_is_answered_with_an_error_of_ours(world: World):
    app, _ = await world.gateway(rate_limits=UNLIMITED)
    client = await world.client(app, world.token())
    for rpc, answer in _answers(world).items():
        world.post.answer(rpc, answer)
    world.sign_in.answer("StartPasskeyLogIn", sign_in_pb2.StartPasskeyLogInResponse(ticket="t", options_json="{}"))
    world.factors.answer("BeginProof", factors_pb2.BeginProofResponse(ticket="t", options="{}"))
    world.factors.answer("BeginPasskey", factors_pb2.BeginPasskeyResponse(ticket="t", options="{}"))
    loop = asyncio.get_running_loop()

    @settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None)
    @given(
        st.sampled_from(ROUTES), st.lists(TEXT, min_size=2, max_size=2), BODY, st.dictionaries(FIELD, TEXT, max_size=4)
    )
    def ask(route: tuple[str, str], segments: tuple[str, str], body: bytes, query: dict[str, str]) -> None:
        sending = _send(client, route, segments, body, query)
        response = asyncio.run_coroutine_threadsafe(sending, loop).result(30)
        assert response.status_code < 500, (response.text, route)
        if response.status_code >= 400:
            assert response.headers["content-type"] == "application/problem+json"

    await asyncio.to_thread(ask)


def _answers(world: World) -> dict[str, Message]:
    """Of the RPCs whose empty answers no service gives."""
    post = world.post_of(1)
    media = post_pb2.Media(id=1, kind=post_pb2.MEDIA_KIND_IMAGE, state=post_pb2.MEDIA_STATE_WAITING)
    return {
        "CreatePost": post_pb2.CreatePostResponse(post=post),
        "GetPost": post_pb2.GetPostResponse(post=post),
        "UpdatePost": post_pb2.UpdatePostResponse(post=post),
        "CreateMedia": post_pb2.CreateMediaResponse(media=media),
        "CompleteMedia": post_pb2.CompleteMediaResponse(media=media),
        "GetMedia": post_pb2.GetMediaResponse(media=media),
        "UpdateMedia": post_pb2.UpdateMediaResponse(media=media),
    }


async def _send(
    client: Client, route: tuple[str, str], segments: tuple[str, str], body: bytes, query: dict[str, str]
) -> httpx.Response:
    method, path = route
    left = iter(segments)
    url = re.sub(r"\{[^}]+\}", lambda _: quote(next(left), safe="") or "-", path)
    headers = {"Content-Type": "application/json", "If-Match": '"a-b"'}
    return await client.request(method, url, content=body, params=query, headers=headers)
