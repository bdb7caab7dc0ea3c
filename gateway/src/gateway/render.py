"""From the services' messages to what clients see."""

from collections.abc import Mapping

from heliograph.graph.v1 import graph_pb2
from heliograph.notify.v1 import notify_pb2
from heliograph.post.v1 import post_pb2
from heliograph.search.v1 import search_pb2
from heliograph.user.v1 import user_pb2
from msgspec.structs import asdict
from rendering.render import MEDIA_KINDS as MEDIA_KINDS
from rendering.render import Renderer, mentions
from rendering.render import time_of as time_of

from gateway.schemas import answers

_NOTIFICATION_KINDS: Mapping[int, answers.NotificationKindName] = {
    notify_pb2.NOTIFICATION_KIND_FOLLOW: "follow",
    notify_pb2.NOTIFICATION_KIND_FOLLOW_REQUEST: "follow_request",
    notify_pb2.NOTIFICATION_KIND_LIKE: "like",
    notify_pb2.NOTIFICATION_KIND_COMMENT: "comment",
    notify_pb2.NOTIFICATION_KIND_REPLY: "reply",
    notify_pb2.NOTIFICATION_KIND_MENTION: "mention",
}


class Render(Renderer):
    """Users, media and posts are the renderer's own; here is all that only the gateway shows."""

    def profile(self, profile: user_pb2.Profile, counts: answers.ProfileCounts | None) -> answers.Profile:
        return answers.Profile(
            id=str(profile.id),
            username=profile.username,
            name=profile.name,
            bio=profile.bio,
            website=profile.website,
            location=profile.location,
            pronouns=profile.pronouns,
            avatar_url=self.avatar_url(profile),
            avatar=self.avatar(profile),
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
        self,
        tokens: user_pb2.TokenPair,
        profile: user_pb2.Profile,
        device_token: str = "",  # nosec B107 none
    ) -> answers.LoggedIn:
        return answers.LoggedIn(
            access_token=tokens.access_token,
            refresh_token=tokens.refresh_token,
            token_type="Bearer",  # noqa: S106 a word of OAuth
            expires_in=tokens.expires_in_seconds,
            user=self.user(profile),
            device_token=device_token or None,
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

    def comment(self, comment: post_pb2.Comment) -> answers.Comment:
        return answers.Comment(
            id=str(comment.id),
            post_id=str(comment.post_id),
            author=self.user(comment.author),
            text=comment.text,
            reply_to=str(comment.reply_to) if comment.reply_to else None,
            counts=answers.CommentCounts(comment.counts.likes, comment.counts.replies),
            mentions=mentions(comment.mentions),
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
