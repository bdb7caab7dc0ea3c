"""Settings, as clients see and change them."""

from typing import Annotated, Literal

from msgspec import Meta, Struct
from pydantic import ConfigDict

from gateway.schemas.requests import Body

AllowedByName = Literal["everyone", "followers", "following", "nobody"]
NotifyOfName = Literal["everyone", "following", "off"]

_UNREAD = "Kept for when there are messages: nothing heeds it yet"


class NotificationSettings(Struct, frozen=True):
    """Whose doings make a notification: everyone's, those of whom the account follows, or nobody's."""

    like: NotifyOfName
    comment: NotifyOfName
    reply: NotifyOfName
    mention: NotifyOfName
    follow: NotifyOfName
    follow_request: NotifyOfName


class Settings(Struct, frozen=True):
    """`discoverable`: in search and suggestions. `followers` are those who follow the account, `following` those whom
    it follows. A mention that is not allowed is plain text, and told to nobody."""

    private_account: bool
    discoverable: bool
    comments_from: AllowedByName
    mentions_from: AllowedByName
    messages_from: Annotated[AllowedByName, Meta(description=_UNREAD)]
    notifications: NotificationSettings


class NotificationsChange(Body):
    like: NotifyOfName = "everyone"
    comment: NotifyOfName = "everyone"
    reply: NotifyOfName = "everyone"
    mention: NotifyOfName = "everyone"
    follow: NotifyOfName = "everyone"
    follow_request: NotifyOfName = "everyone"


class SettingsChange(Body):
    """What is not there stays, also inside `notifications`."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"private_account": True, "notifications": {"like": "following"}}]}
    )

    private_account: bool = False
    discoverable: bool = True
    comments_from: AllowedByName = "everyone"
    mentions_from: AllowedByName = "everyone"
    messages_from: AllowedByName = "everyone"
    notifications: NotificationsChange = NotificationsChange()
