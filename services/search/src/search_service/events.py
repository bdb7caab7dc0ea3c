"""What the index learns from events."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from heliograph.events.v1.post_events_pb2 import PostDeleted, PostEdited, PostPublished, PostSnapshot
from heliograph.events.v1.user_events_pb2 import (
    AccountErased,
    AccountRegistered,
    AccountStateChanged,
    PrivacyChanged,
    ProfileChanged,
)
from heliograph.post.v1.post_pb2 import AUDIENCE_PUBLIC
from heliograph.user.v1.user_pb2 import ACCOUNT_STATE_ACTIVE, Profile
from kit.consumer import Delivery
from kit.proto import datetime_of

from search_service.model import Place, PostDocument, UserDocument
from search_service.service import IndexService

Handlers = Mapping[str, Callable[[Any, Delivery], Awaitable[None]]]


def user_handlers(service: IndexService) -> Handlers:
    async def changed(event: AccountRegistered | ProfileChanged, _: Delivery) -> None:
        await service.put_user(_user(event.profile))

    async def privacy_changed(event: PrivacyChanged | AccountStateChanged, _: Delivery) -> None:
        await service.put_user(_user(event.profile))
        await service.follow_privacy(event.profile.id, event.profile.version)

    async def erased(event: AccountErased, _: Delivery) -> None:
        await service.forget_account(event.user_id)

    return {
        "account_registered": changed,
        "profile_changed": changed,
        "privacy_changed": privacy_changed,
        "account_state_changed": privacy_changed,
        "account_erased": erased,
    }


def post_handlers(service: IndexService) -> Handlers:
    async def changed(event: PostPublished | PostEdited, _: Delivery) -> None:
        await service.put_post(_post(event.post), audience_public=event.post.audience == AUDIENCE_PUBLIC)

    async def deleted(event: PostDeleted, _: Delivery) -> None:
        await service.bury_post(event.post_id, event.version, datetime_of(event.deleted_at))

    return {"post_published": changed, "post_edited": changed, "post_deleted": deleted}


def _user(profile: Profile) -> UserDocument:
    active = profile.state == ACCOUNT_STATE_ACTIVE
    return UserDocument(profile.id, profile.version, profile.username, profile.name, active)


def _post(post: PostSnapshot) -> PostDocument:
    place = None
    if post.HasField("location"):
        place = Place(post.location.name, post.location.latitude, post.location.longitude)
    return PostDocument(
        post_id=post.post_id,
        version=post.version,
        author_id=post.author_id,
        title=post.title,
        caption=post.caption,
        tags=tuple(post.tags),
        place=place,
        public=False,  # IndexService decides, knowing the account
        created_at=datetime_of(post.created_at),
    )
