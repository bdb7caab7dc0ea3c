"""Letters to the people who have accounts."""

from collections.abc import Mapping
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
