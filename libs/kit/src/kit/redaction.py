"""What no line of a log may hold, whoever wrote it: tokens, e-mail addresses, passwords in addresses, signed queries,
and rows that a database quotes in its errors. A net under the rule that nobody logs such things: it knows them by their
shape alone, and what a person wrote has none.
"""

import re
from typing import Final

_RULES: Final = (
    # What shows that a rule may apply costs less to look for than the rule itself.
    ("eyJ", re.compile(r"eyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?"), "<token>"),
    ("hg", re.compile(r"\bhg[a-z]_[\w-]{16,}"), "<token>"),
    ("earer ", re.compile(r"([Bb]earer )[^\s\"\\]+"), r"\1<token>"),
    ("://", re.compile(r"(://)[^\s/@\"\\]*@"), r"\1<credentials>@"),
    ("?", re.compile(r"(https?://[^\s?\"\\]+)\?[^\s\"\\]+"), r"\1?<query>"),
    ("@", re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+"), "<address>"),
    ("DETAIL: ", re.compile(r"DETAIL: (?:\\[^n]|[^\"\\])*"), "DETAIL: <row>"),
)


def redacted(line: str) -> str:
    """A rendered line of JSON without them, which is JSON still."""
    for mark, pattern, instead in _RULES:
        if mark in line:
            line = pattern.sub(instead, line)
    return line
