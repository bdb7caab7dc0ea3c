"""Which images are named in the tree, and whether each is one image for good."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml

_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")
_EXACT = re.compile(r":(?:[a-z0-9]+-)?v?\d+\.\d+\.\d+[\w.-]*$")
_OURS = re.compile(r"^(heliograph([-/:]|$)|registry\.example\.com/)")
_ARGUMENT = re.compile(r"\$\{?(\w+)\}?$")


@dataclass(frozen=True)
class Use:
    file: str
    image: str

    @property
    def ours(self) -> bool:
        """Built from this tree, so that its version is the tree's; by the name of an example's registry, too."""
        return bool(_OURS.match(self.image.removeprefix("docker.io/")))


def fault(use: Use, excused: Mapping[str, str]) -> str | None:
    """A digest names one image; a tag can be moved, and stands only where the list of excuses says why."""
    if use.ours or _DIGEST.search(use.image):
        return None
    if use.image not in excused:
        return f"{use.file}: {use.image}: without a digest, and not in excused.txt"
    if not _EXACT.search(use.image):
        return f"{use.file}: {use.image}: its tag is no exact version, so nothing can excuse it"
    return None


def of_dockerfile(path: Path, name: str) -> Iterator[Use]:
    """What it builds on, except for its own stages. An ARG counts by its default."""
    arguments: dict[str, str] = {}
    stages: set[str] = {"scratch"}
    for line in path.read_text().replace("\\\n", " ").splitlines():
        words = line.split()
        match words:
            case ["ARG", told, *_]:
                key, _, value = told.partition("=")
                arguments.setdefault(key, value.strip('"'))
            case ["FROM", *told]:
                plain = [word for word in told if not word.startswith("--")]
                image = _resolved(plain[0], arguments)
                if image not in stages:
                    yield Use(name, image)
                if len(plain) == 3:
                    stages.add(plain[2])
            case [("COPY" | "ADD"), *told]:
                sources = [word.removeprefix("--from=") for word in told if word.startswith("--from=")]
                yield from (Use(name, source) for source in sources if source not in stages)
            case _:
                pass


def _resolved(image: str, arguments: Mapping[str, str]) -> str:
    found = _ARGUMENT.match(image)
    return (
        arguments.get(found[1], image) if found else re.sub(r"\$\{(\w+)\}", lambda it: arguments.get(it[1], ""), image)
    )


def of_yaml(path: Path, name: str) -> Iterator[Use]:
    """Values of keys `image`, and mappings of `repository` with `tag` or `digest`, anywhere in the file."""
    for document in yaml.safe_load_all(path.read_text()):
        yield from (Use(name, image) for image in _images(document))


def _images(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        fields = cast("dict[str, Any]", node)
        image = fields.get("image")
        if isinstance(image, str) and image:
            yield image
        repository, tag, digest = fields.get("repository"), fields.get("tag"), fields.get("digest")
        if isinstance(repository, str) and repository and ("tag" in fields or "digest" in fields):
            yield f"{repository}{f':{tag}' if tag else ''}{f'@{digest}' if digest else ''}"
        for value in fields.values():
            yield from _images(value)
    elif isinstance(node, list):
        for item in cast("list[object]", node):
            yield from _images(item)
