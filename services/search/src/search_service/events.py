"""What the index learns from events."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from heliograph.events.v1.post_events_pb2 import PostDeleted, PostEdited, PostPublished
from heliograph.events.v1.user_events_pb2 import (
    AccountErased,
    AccountRegistered,
    AccountStateChanged,
    PrivacyChanged,
    ProfileChanged,
)
from heliograph.post.v1.post_pb2 import AUDIENCE_PUBLIC
from kit.consumer import Delivery
from kit.proto import datetime_of

from search_service.clients import post_document, user_document
from search_service.service import IndexService

Handlers = Mapping[str, Callable[[Any, Delivery], Awaitable[None]]]


def user_handlers(service: IndexService) -> Handlers:
    async def changed(event: AccountRegistered | ProfileChanged, _: Delivery) -> None:
        await service.put_user(user_document(event.profile))

    async def privacy_changed(event: PrivacyChanged | AccountStateChanged, _: Delivery) -> None:
        await service.put_user(user_document(event.profile))
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
        await service.put_post(post_document(event.post), audience_public=event.post.audience == AUDIENCE_PUBLIC)

    async def deleted(event: PostDeleted, _: Delivery) -> None:
        await service.bury_post(event.post_id, event.version, datetime_of(event.deleted_at))

    return {"post_published": changed, "post_edited": changed, "post_deleted": deleted}
