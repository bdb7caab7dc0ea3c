"""Letters to the people who have accounts."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class Mail:
    """`template` names the letter, `variables` fill it in; after `expires_at` it is of no use and not sent any more."""

    user_id: int
    recipient: str
    template: str
    expires_at: datetime
    variables: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)


@dataclass(frozen=True)
class Letter:
    """A mail as it is sent. `id` is the same however often it is tried."""

    id: int
    recipient: str
    subject: str
    text: str = field(repr=False)
    html: str = field(repr=False)


Send = Callable[[Letter], Awaitable[None]]
"""Hands a letter over. Raises Undelivered or Refused."""


class Undelivered(Exception):
    """It may go better later."""


class Refused(Exception):
    """Nobody will take this letter, now or ever."""
