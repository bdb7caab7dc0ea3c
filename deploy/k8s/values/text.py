"""Values as text: commented YAML in, commented YAML out."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent

_LINE = re.compile(r"^(?P<indent> *)(?P<key>[A-Za-z0-9]+):(?: (?P<value>.*))?$")
_HEAD = re.compile(r"\A(#[^\n]*\n)+\n")

Keys = tuple[str, ...]


def source(name: str) -> str:
    """A file of this folder without the words at its head."""
    return _HEAD.sub("", (HERE / f"{name}.yaml").read_text())


def parsed(name: str) -> dict[str, Any]:
    return yaml.safe_load(source(name))


def emptied(text: str, keep: Callable[[Keys], bool] = lambda _: True) -> str:
    """The same keys and comments with nothing said: what is said further out counts, and is told as the default. Keys
    that are not to be kept go with all below them and their comments."""
    lines: list[str] = []
    comments: list[str] = []
    path: list[str] = []
    for line in text.splitlines():
        match = _LINE.match(line)
        if match is None:
            comments.append(line)
            continue
        path = [*path[: len(match["indent"]) // 2], match["key"]]
        if keep(tuple(path)):
            lines += _silent(match, comments) if match["value"] else [*comments, line]
        comments = []
    return _tidy(lines)


def _silent(match: re.Match[str], comments: list[str]) -> list[str]:
    indent, key, value = match["indent"], match["key"], yaml.safe_load(match["value"])
    kind = type(value).__name__ if isinstance(value, bool | int | float) else ""
    if kind:  # helm-docs cannot tell the type of what is null
        comments = [comment.replace("# -- ", f"# -- ({kind}) ", 1) for comment in comments]
    told = [f"{indent}# @default -- `{match['value']}`"] if value not in ("", [], {}) else []
    nothing = "null" if kind else "{}" if isinstance(value, dict) else "[]" if isinstance(value, list) else '""'
    return [*comments, *told, f"{indent}{key}: {nothing}"]


def indented(text: str, spaces: int = 2) -> str:
    return "".join(f"{' ' * spaces}{line}\n" if line else "\n" for line in text.splitlines())


def joined(parts: Sequence[str]) -> str:
    return "\n".join(part.strip("\n") + "\n" for part in parts if part.strip())


def _tidy(lines: list[str]) -> str:
    """No sections without keys left behind, no rows of empty lines."""
    kept: list[str] = []
    for number, line in enumerate(lines):
        following = next((one for one in lines[number + 1 :] if one.strip() and not one.strip().startswith("#")), "")
        match = _LINE.match(line)
        if match and not match["value"] and len(following) - len(following.lstrip()) <= len(match["indent"]):
            continue
        if line.strip() or (kept and kept[-1].strip()):
            kept.append(line)
    return "\n".join(kept).strip("\n") + "\n"
