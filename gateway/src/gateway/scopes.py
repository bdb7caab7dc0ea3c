"""What an access token may be good for. Every route that heeds one names the scope it needs, out of these."""

from collections.abc import Mapping
from types import MappingProxyType

FOR_APPS: Mapping[str, str] = MappingProxyType(
    {
        "read": "See what you can see: your feed, posts, profiles, lists and notifications",
        "write": "Post, comment, like and save as you, and change your profile",
        "follow": "Follow, block and mute as you, and manage your lists",
        "push": "Send notifications meant for you to a device",
        "email": "See your e-mail address",
    }
)
"""In the words in which people are asked."""

OWN = frozenset({"account", "moderate", "admin"})
"""Of our own clients alone: who may come in, and what is done in an office."""

ALL = frozenset(FOR_APPS) | OWN
