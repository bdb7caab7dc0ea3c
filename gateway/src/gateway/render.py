"""From the services' messages to what clients see."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp
from heliograph.graph.v1 import graph_pb2
from heliograph.notify.v1 import notify_pb2
from heliograph.post.v1 import post_pb2
from heliograph.search.v1 import search_pb2
from heliograph.user.v1 import user_pb2
from msgspec.structs import asdict

from gateway.media_urls import MediaUrls
from gateway.schemas import answers
from gateway.schemas.avatars import Avatar, AvatarVariant

MEDIA_KINDS: Mapping[int, answers.MediaKindName] = {
    post_pb2.MEDIA_KIND_IMAGE: "image",
    post_pb2.MEDIA_KIND_VIDEO: "video",
}
_MEDIA_STATES: Mapping[int, answers.MediaStateName] = {
    post_pb2.MEDIA_STATE_WAITING: "waiting",
    post_pb2.MEDIA_STATE_CHECKING: "checking",
    post_pb2.MEDIA_STATE_RESIZING: "resizing",
    post_pb2.MEDIA_STATE_TRANSCODING: "transcoding",
    post_pb2.MEDIA_STATE_READY: "ready",
    post_pb2.MEDIA_STATE_REFUSED: "refused",
}
AUDIENCES: Mapping[int, answers.AudienceName] = {
    post_pb2.AUDIENCE_PUBLIC: "public",
    post_pb2.AUDIENCE_FOLLOWERS: "followers",
    post_pb2.AUDIENCE_CLOSE_FRIENDS: "close_friends",
}
_NOTIFICATION_KINDS: Mapping[int, answers.NotificationKindName] = {
    notify_pb2.NOTIFICATION_KIND_FOLLOW: "follow",
    notify_pb2.NOTIFICATION_KIND_FOLLOW_REQUEST: "follow_request",
    notify_pb2.NOTIFICATION_KIND_LIKE: "like",
    notify_pb2.NOTIFICATION_KIND_COMMENT: "comment",
    notify_pb2.NOTIFICATION_KIND_REPLY: "reply",
    notify_pb2.NOTIFICATION_KIND_MENTION: "mention",
}


_AVATAR_SIZES, _AVATAR_SIZE = (640, 320, 150), 320


def time_of(stamp: Timestamp) -> str | None:
    """None when it was never set."""
    if not (stamp.seconds or stamp.nanos):
        return None
    moment = datetime.fromtimestamp(stamp.seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{stamp.nanos // 1_000_000:03d}Z"


class Render:
    def __init__(self, urls: MediaUrls) -> None:
        self._urls = urls

    def user(self, profile: user_pb2.Profile) -> answers.User:
        return answers.User(
            id=str(profile.id),
            username=profile.username,
            name=profile.name,
            avatar_url=self._avatar_url(profile),
            avatar=self._avatar(profile),
            private_account=profile.private_account,
        )

    def profile(self, profile: user_pb2.Profile, counts: answers.ProfileCounts | None) -> answers.Profile:
        return answers.Profile(
            id=str(profile.id),
            username=profile.username,
            name=profile.name,
            bio=profile.bio,
            website=profile.website,
            location=profile.location,
            pronouns=profile.pronouns,
            avatar_url=self._avatar_url(profile),
            avatar=self._avatar(profile),
            private_account=profile.private_account,
            counts=counts,
            created_at=time_of(profile.created_at),
        )

    def account(self, account: user_pb2.Account, counts: answers.ProfileCounts | None) -> answers.Account:
        return answers.Account(
            **asdict(self.profile(account.profile, counts)),
            email=account.email,
            email_verified=account.email_verified,
        )

    def logged_in(
        self, tokens: user_pb2.TokenPair, profile: user_pb2.Profile, device_token: str = ""
    ) -> answers.LoggedIn:
        return answers.LoggedIn(
            access_token=tokens.access_token,
            refresh_token=tokens.refresh_token,
            token_type="Bearer",  # noqa: S106 a word of OAuth
            expires_in=tokens.expires_in_seconds,
            user=self.user(profile),
            device_token=device_token or None,
        )

    def media(self, media: post_pb2.Media) -> answers.Media:
        return answers.Media(
            id=str(media.id),
            kind=MEDIA_KINDS[media.kind],
            state=_MEDIA_STATES[media.state],
            reason=media.reason or None,
            blurhash=media.blurhash or None,
            alt_text=media.alt_text,
            focal_point=answers.FocalPoint(media.focal_x, media.focal_y),
            width=media.width,
            height=media.height,
            variants=[self._variant(variant) for variant in media.variants],
            created_at=time_of(media.created_at),
        )

    def new_media(self, media: post_pb2.Media, upload: post_pb2.Upload) -> answers.NewMedia:
        target = answers.Upload(
            method="POST" if upload.method == "POST" else "PUT",
            url=upload.url,
            headers=dict(upload.headers),
            fields=dict(upload.fields),
            expires_at=time_of(upload.expires_at),
        )
        return answers.NewMedia(**asdict(self.media(media)), upload=target)

    def post(self, post: post_pb2.Post) -> answers.Post:
        return answers.Post(
            id=str(post.id),
            author=self.user(post.author),
            title=post.title,
            caption=post.caption,
            media=[self.media(media) for media in post.media],
            location=_location(post.location) if post.HasField("location") else None,
            tags=list(post.tags),
            mentions=_mentions(post.mentions),
            counts=answers.PostCounts(post.counts.likes, post.counts.comments),
            viewer=answers.ViewerState(post.viewer.liked, post.viewer.saved),
            audience=AUDIENCES[post.audience],
            comments_off=post.comments_off,
            published=post.published,
            created_at=time_of(post.created_at),
            edited_at=time_of(post.edited_at),
        )

    def comment(self, comment: post_pb2.Comment) -> answers.Comment:
        return answers.Comment(
            id=str(comment.id),
            post_id=str(comment.post_id),
            author=self.user(comment.author),
            text=comment.text,
            reply_to=str(comment.reply_to) if comment.reply_to else None,
            counts=answers.CommentCounts(comment.counts.likes, comment.counts.replies),
            mentions=_mentions(comment.mentions),
            created_at=time_of(comment.created_at),
        )

    def notification(self, item: notify_pb2.Notification) -> answers.Notification:
        return answers.Notification(
            id=str(item.id),
            kind=_NOTIFICATION_KINDS[item.kind],
            actors=[self.user(actor) for actor in item.actors],
            others=item.others,
            post=self.post(item.post) if item.HasField("post") else None,
            comment=self.comment(item.comment) if item.HasField("comment") else None,
            created_at=time_of(item.created_at),
            read=item.read,
        )

    def found(self, result: search_pb2.SearchResult) -> answers.Found:
        match result.WhichOneof("result"):
            case "user":
                return answers.Found("user", user=self.user(result.user))
            case "post":
                return answers.Found("post", post=self.post(result.post))
            case "tag":
                return answers.Found("tag", tag=answers.Tag(result.tag.name, result.tag.posts))
            case _:
                place = result.place
                return answers.Found(
                    "place", place=answers.Place(place.id, place.name, place.latitude, place.longitude)
                )

    def _avatar_url(self, profile: user_pb2.Profile) -> str | None:
        return f"{self._urls.url(profile.avatar_key)}/{_AVATAR_SIZE}.jpg" if profile.avatar_key else None

    def _avatar(self, profile: user_pb2.Profile) -> Avatar | None:
        if not profile.avatar_key:
            return None
        base = self._urls.url(profile.avatar_key)
        return Avatar([AvatarVariant(size, f"{base}/{size}.webp", f"{base}/{size}.jpg") for size in _AVATAR_SIZES])

    def _variant(self, variant: post_pb2.Variant) -> answers.Variant:
        return answers.Variant(
            name=variant.name,
            url=self._urls.url(variant.object_key),
            width=variant.width,
            height=variant.height,
            bytes=variant.bytes,
            content_type=variant.content_type,
        )


def session(item: user_pb2.Session) -> answers.Session:
    return answers.Session(
        id=str(item.id),
        device_name=item.device_name,
        user_agent=item.user_agent,
        address=item.address,
        created_at=time_of(item.created_at),
        last_used_at=time_of(item.last_used_at),
        current=item.current,
    )


def relationship(item: graph_pb2.Relationship) -> answers.Relationship:
    """Without what the other side did: who is blocked is not told so."""
    return answers.Relationship(
        id=str(item.id),
        following=item.following,
        requested=item.requested,
        followed_by=item.followed_by,
        blocking=item.blocking,
        muting=item.muting,
        muted_until=time_of(item.muted_until),
        close_friend=item.close_friend,
    )


def liked(counts: post_pb2.PostCounts, viewer: post_pb2.ViewerState) -> answers.Liked:
    return answers.Liked(
        counts=answers.PostCounts(counts.likes, counts.comments),
        viewer=answers.ViewerState(viewer.liked, viewer.saved),
    )


def _location(place: post_pb2.Location) -> answers.Location:
    return answers.Location(place.name, place.latitude, place.longitude)


def _mentions(found: Iterable[post_pb2.Mention]) -> list[answers.Mention]:
    return [answers.Mention(str(mention.user_id), mention.username) for mention in found]
