"""What was found, and what of it may stay."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_WORDS = "words of other people, who named the account in plain text"
_MARK = "keeps late events out: an id, nothing else"
_CACHE = "a cache that nobody asks for the account any more"

# Where, as a pattern, and why it stays. Of Redis, only what ends by itself.
_ALLOWED = (
    (r"postgres user\.erasures\.user_id", "the tombstone: an id and times"),
    (r"postgres user\.audit\..*", "the audit trail of operators, for good: ids and reasons"),
    (r"postgres graph\.erased_accounts\.user_id", _MARK),
    (r"cassandra \S*\.erased_accounts?\.user_id", _MARK),
    (r"postgres post\.(posts\.(title|caption)|comments\.text) \(words\)", _WORDS),
    (r"elasticsearch posts\.(title|caption) \(words\)", _WORDS),
    (r"redis gateway:(limit|once):.* \(expires\)", "limits and answers to repeated requests of the account's last day"),
    (r"redis user:limit:.* \(expires\)", "limits of log-ins"),
    (r"redis graph:relations:\*:\{\*\} \(expires\)", "who looked at whom within an hour: " + _CACHE),
    (r"redis graph:counts:(applied:)?\{\*\}.* \(expires\)", "which changes were counted: " + _CACHE),
    (r"redis feed:top:\{\*\}:\* \(expires\)", "a ranking that somebody pages through, for half an hour at most"),
    (r"redis post:posts:.* \(expires\)", "posts of others that are kept for a minute"),
)


@dataclass(frozen=True)
class Finding:
    """`place` is "store what.where"; `stays` is the reason why it may, empty when it may not."""

    place: str
    count: int

    @property
    def stays(self) -> str:
        return next((why for pattern, why in _ALLOWED if re.fullmatch(pattern, self.place)), "")


def left(findings: Sequence[Finding]) -> list[Finding]:
    """What must not be there."""
    return [finding for finding in findings if not finding.stays]
