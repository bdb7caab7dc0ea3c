"""Pieces joined are the bytes of the whole, for any post."""

import msgspec
from google.protobuf.timestamp_pb2 import Timestamp
from heliograph.post.v1 import post_pb2
from heliograph.user.v1 import user_pb2
from hypothesis import given
from hypothesis import strategies as st
from rendering import fragments, render
from rendering.media_urls import MediaUrls
from rendering.render import Renderer

RENDERER = Renderer(MediaUrls("http://media.example", b"k" * 32, lambda: 1_900_000_000.0))

ids = st.integers(1, 2**63 - 1)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
numbers = st.integers(0, 2**31 - 1)
floats = st.floats(allow_nan=False, allow_infinity=False)
times = st.builds(Timestamp, seconds=st.integers(0, 4_000_000_000), nanos=st.integers(0, 999_999_999))
keys = st.sampled_from(["public/a/1080.webp", "private/b/1080.webp"])
profiles = st.builds(
    user_pb2.Profile,
    id=ids,
    username=texts,
    name=texts,
    avatar_key=st.sampled_from(["", "public/avatars/1"]),
    private_account=st.booleans(),
)
variants = st.builds(
    post_pb2.Variant,
    name=texts,
    object_key=keys,
    width=numbers,
    height=numbers,
    bytes=st.integers(0, 2**63 - 1),
    content_type=texts,
)
media = st.builds(
    post_pb2.Media,
    id=ids,
    kind=st.sampled_from(sorted(render.MEDIA_KINDS)),
    state=st.integers(post_pb2.MEDIA_STATE_WAITING, post_pb2.MEDIA_STATE_REFUSED),
    reason=texts,
    blurhash=texts,
    alt_text=texts,
    variants=st.lists(variants, max_size=2),
    created_at=times,
    focal_x=floats,
    focal_y=floats,
    width=numbers,
    height=numbers,
)
posts = st.builds(
    post_pb2.Post,
    id=ids,
    author=profiles,
    title=texts,
    caption=texts,
    media=st.lists(media, max_size=2),
    location=st.none() | st.builds(post_pb2.Location, name=texts, latitude=floats, longitude=floats),
    tags=st.lists(texts, max_size=3),
    mentions=st.lists(st.builds(post_pb2.Mention, user_id=ids, username=texts), max_size=3),
    counts=st.builds(post_pb2.PostCounts, likes=numbers, comments=numbers),
    viewer=st.builds(post_pb2.ViewerState, liked=st.booleans(), saved=st.booleans()),
    audience=st.sampled_from(sorted(render.AUDIENCES)),
    comments_off=st.booleans(),
    published=st.booleans(),
    created_at=times,
    edited_at=times,
)


def _joined(post: post_pb2.Post, body: bytes) -> bytes:
    return fragments.assemble(
        post.id,
        author=fragments.author(RENDERER, post.author),
        body=body,
        mentions=fragments.mentions(post.mentions),
        counts=fragments.counts(post.counts.likes, post.counts.comments),
        viewer=fragments.viewer(liked=post.viewer.liked, saved=post.viewer.saved),
    )


@given(posts)
def test_the_pieces_joined_are_the_whole(post: post_pb2.Post):
    assert _joined(post, fragments.body(RENDERER, post)) == msgspec.json.encode(RENDERER.post(post))


@given(posts)
def test_the_body_hangs_on_nothing_that_changes_with_the_viewer(post: post_pb2.Post):
    bare = post_pb2.Post()
    bare.CopyFrom(post)
    for name in ("author", "mentions", "counts", "viewer"):
        bare.ClearField(name)
    assert fragments.body(RENDERER, bare) == fragments.body(RENDERER, post)


def test_the_body_goes_from_the_title_to_the_time_of_the_last_edit():
    assert fragments.BODY_MEMBERS == (
        "title", "caption", "media", "location", "tags", "audience", "comments_off", "published", "created_at",
        "edited_at",
    )  # fmt: skip
