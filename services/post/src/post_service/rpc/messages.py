"""Model to message."""

from collections.abc import Sequence

from heliograph.post.v1 import post_pb2
from heliograph.user.v1 import user_pb2
from kit.proto import timestamp

from post_service.model.media import Medium, Upload
from post_service.model.posts import Location, Mention, Post, PostCounts
from post_service.model.visibility import PostState, Profile
from post_service.service.comments import CommentView
from post_service.service.reading import PostView


def media_message(medium: Medium) -> post_pb2.Media:
    message = post_pb2.Media(
        id=medium.id,
        author_id=medium.author_id,
        kind=post_pb2.MediaKind.ValueType(medium.kind),
        state=post_pb2.MediaState.ValueType(medium.state),
        reason=medium.reason,
        blurhash=medium.blurhash,
        alt_text=medium.alt_text,
        created_at=timestamp(medium.created_at),
        focal_x=medium.focus.x,
        focal_y=medium.focus.y,
        width=medium.width,
        height=medium.height,
    )
    for variant in medium.variants:
        message.variants.add(
            name=variant.name,
            object_key=f"{medium.place}/{variant.name}",
            width=variant.width,
            height=variant.height,
            bytes=variant.bytes,
            content_type=variant.content_type,
        )
    return message


def upload_message(upload: Upload | None) -> post_pb2.Upload | None:
    if upload is None:
        return None
    return post_pb2.Upload(
        method=upload.method,
        url=upload.url,
        headers=upload.headers,
        fields=upload.fields,
        expires_at=timestamp(upload.expires_at),
    )


def profile_message(profile: Profile) -> user_pb2.Profile:
    return user_pb2.Profile(
        id=profile.id,
        username=profile.username,
        name=profile.name,
        bio=profile.bio,
        website=profile.website,
        location=profile.location,
        pronouns=profile.pronouns,
        avatar_key=profile.avatar_key,
        private_account=profile.private_account,
        state=user_pb2.AccountState.ValueType(profile.state),
        created_at=timestamp(profile.created_at),
        version=profile.version,
        comments_from=user_pb2.AllowedBy.ValueType(profile.comments_from),
        mentions_from=user_pb2.AllowedBy.ValueType(profile.mentions_from),
        unlisted=profile.unlisted,
    )


def post_message(view: PostView) -> post_pb2.Post:
    message = body_message(view.post)
    message.author.CopyFrom(profile_message(view.author))
    message.mentions.extend(mention_messages(view.post.content.mentions))
    message.counts.CopyFrom(counts_message(view.counts))
    message.viewer.CopyFrom(viewer_message(liked=view.liked))
    return message


def body_message(post: Post) -> post_pb2.Post:
    """Without what changes by itself or hangs on the viewer: author, mentions, counts and viewer."""
    content = post.content
    return post_pb2.Post(
        id=post.id,
        title=content.title,
        caption=content.caption,
        media=[media_message(medium) for medium in post.media],
        location=location_message(content.location),
        tags=content.tags,
        audience=post_pb2.Audience.ValueType(content.audience),
        comments_off=content.comments_off,
        created_at=timestamp(post.created_at),
        edited_at=timestamp(post.edited_at) if post.edited_at else None,
        etag=post.etag,
        published=post.state is PostState.PUBLISHED,
    )


def counts_message(counts: PostCounts) -> post_pb2.PostCounts:
    return post_pb2.PostCounts(likes=counts.likes, comments=counts.comments)


def viewer_message(*, liked: bool) -> post_pb2.ViewerState:
    return post_pb2.ViewerState(liked=liked)


def comment_message(view: CommentView) -> post_pb2.Comment:
    comment = view.comment
    return post_pb2.Comment(
        id=comment.id,
        post_id=comment.post_id,
        author=profile_message(view.author),
        text=comment.text,
        reply_to=comment.reply_to,
        counts=post_pb2.CommentCounts(likes=view.counts.likes, replies=view.counts.replies),
        created_at=timestamp(comment.created_at),
        mentions=mention_messages(comment.mentions),
    )


def mention_messages(mentions: Sequence[Mention]) -> list[post_pb2.Mention]:
    return [post_pb2.Mention(user_id=mention.user_id, username=mention.username) for mention in mentions]


def location_message(location: Location | None) -> post_pb2.Location | None:
    if location is None:
        return None
    return post_pb2.Location(name=location.name, latitude=location.latitude, longitude=location.longitude)
