"""From the services' messages to the shapes."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp
from heliograph.post.v1 import post_pb2
from heliograph.user.v1 import user_pb2

from rendering import shapes
from rendering.media_urls import MediaUrls

MEDIA_KINDS: Mapping[int, shapes.MediaKindName] = {
    post_pb2.MEDIA_KIND_IMAGE: "image",
    post_pb2.MEDIA_KIND_VIDEO: "video",
}
_MEDIA_STATES: Mapping[int, shapes.MediaStateName] = {
    post_pb2.MEDIA_STATE_WAITING: "waiting",
    post_pb2.MEDIA_STATE_CHECKING: "checking",
    post_pb2.MEDIA_STATE_RESIZING: "resizing",
    post_pb2.MEDIA_STATE_TRANSCODING: "transcoding",
    post_pb2.MEDIA_STATE_READY: "ready",
    post_pb2.MEDIA_STATE_REFUSED: "refused",
}
AUDIENCES: Mapping[int, shapes.AudienceName] = {
    post_pb2.AUDIENCE_PUBLIC: "public",
    post_pb2.AUDIENCE_FOLLOWERS: "followers",
    post_pb2.AUDIENCE_CLOSE_FRIENDS: "close_friends",
}
_AVATAR_SIZES, _AVATAR_SIZE = (640, 320, 150), 320


def time_of(stamp: Timestamp) -> str | None:
    """None when it was never set."""
    if not (stamp.seconds or stamp.nanos):
        return None
    moment = datetime.fromtimestamp(stamp.seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{stamp.nanos // 1_000_000:03d}Z"


class Renderer:
    """Media and pictures get their addresses here: signed ones live 30 to 60 minutes."""

    def __init__(self, urls: MediaUrls) -> None:
        self._urls = urls

    def user(self, profile: user_pb2.Profile) -> shapes.User:
        return shapes.User(
            id=str(profile.id),
            username=profile.username,
            name=profile.name,
            avatar_url=self.avatar_url(profile),
            avatar=self.avatar(profile),
            private_account=profile.private_account,
        )

    def media(self, media: post_pb2.Media) -> shapes.Media:
        return shapes.Media(
            id=str(media.id),
            kind=MEDIA_KINDS[media.kind],
            state=_MEDIA_STATES[media.state],
            reason=media.reason or None,
            blurhash=media.blurhash or None,
            alt_text=media.alt_text,
            focal_point=shapes.FocalPoint(media.focal_x, media.focal_y),
            width=media.width,
            height=media.height,
            variants=[self._variant(variant) for variant in media.variants],
            created_at=time_of(media.created_at),
        )

    def post(self, post: post_pb2.Post) -> shapes.Post:
        return shapes.Post(
            id=str(post.id),
            author=self.user(post.author),
            title=post.title,
            caption=post.caption,
            media=[self.media(media) for media in post.media],
            location=_location(post.location) if post.HasField("location") else None,
            tags=list(post.tags),
            audience=AUDIENCES[post.audience],
            comments_off=post.comments_off,
            published=post.published,
            created_at=time_of(post.created_at),
            edited_at=time_of(post.edited_at),
            mentions=mentions(post.mentions),
            counts=shapes.PostCounts(post.counts.likes, post.counts.comments),
            viewer=shapes.ViewerState(post.viewer.liked, post.viewer.saved),
        )

    def avatar_url(self, profile: user_pb2.Profile) -> str | None:
        return f"{self._urls.url(profile.avatar_key)}/{_AVATAR_SIZE}.jpg" if profile.avatar_key else None

    def avatar(self, profile: user_pb2.Profile) -> shapes.Avatar | None:
        if not profile.avatar_key:
            return None
        base = self._urls.url(profile.avatar_key)
        found = [shapes.AvatarVariant(size, f"{base}/{size}.webp", f"{base}/{size}.jpg") for size in _AVATAR_SIZES]
        return shapes.Avatar(found)

    def _variant(self, variant: post_pb2.Variant) -> shapes.Variant:
        return shapes.Variant(
            name=variant.name,
            url=self._urls.url(variant.object_key),
            width=variant.width,
            height=variant.height,
            bytes=variant.bytes,
            content_type=variant.content_type,
        )


def mentions(found: Iterable[post_pb2.Mention]) -> list[shapes.Mention]:
    return [shapes.Mention(str(mention.user_id), mention.username) for mention in found]


def _location(place: post_pb2.Location) -> shapes.Location:
    return shapes.Location(place.name, place.latitude, place.longitude)
