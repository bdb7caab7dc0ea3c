"""`python3 -m deploy.images.build [SERVICE...]`: builds the images of deploy/Dockerfile, and says how large each is.

The base `auto` is the pinned one where that is at hand or can be pulled, and else one made of Debian's packages, which
is said; `pinned` fails instead, as a release must; `local` is always made; anything else is the name of an image.
"""

import argparse
import os
import re
import subprocess
import sys
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path

from deploy.images import assemble
from deploy.images.engine import Engine, ImageError, Recipe, find

ROOT = Path(__file__).parents[2]
SERVICES = ("gateway", "user", "graph", "post", "feed", "notify", "search", "helio", "devstack")
RECIPE = ("Dockerfile", "Dockerfile.dockerignore", "images/assemble.py", "images/packages.py")


@dataclass(frozen=True)
class Wanted:
    repository: str
    tag: str
    base: str
    source: str
    fresh: bool


@dataclass(frozen=True)
class Built:
    image: str
    identity: str
    megabytes: float
    seconds: float

    def __str__(self) -> str:
        return f"{self.image:44} {self.identity[:19]}  {self.megabytes:6.0f} MB  {self.seconds:5.0f} s"


def pinned_base() -> str:
    found = re.search(r"^ARG BASE=(\S+)$", (ROOT / "deploy/Dockerfile").read_text(), re.MULTILINE)
    if found is None:
        raise ImageError("deploy/Dockerfile names no BASE")
    return found[1]


def version() -> str:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


def full_name(repository: str, service: str, tag: str) -> str:
    """As every engine understands it: a first part that is no host means Docker's registry, as in Kubernetes."""
    first = repository.partition("/")[0]
    host = "." in first or ":" in first or first == "localhost"
    return f"{'' if host else 'docker.io/'}{repository}/{service}:{tag}"


def inputs(service: str) -> list[str]:
    """Files and folders that decide what is in its image."""
    member = assemble.member_of(ROOT, service)
    others = [assemble.MEMBERS[name][0] for name in assemble.closure(ROOT, member)]
    named = [str(member.relative_to(ROOT)), *others, *assemble.MORE.get(service, ())]
    return [*(f"deploy/{name}" for name in RECIPE), f"requirements/{service}.lock", *sorted(named)]


def revision(paths: list[str]) -> tuple[str, str]:
    """The last commit that changed these, with `-dirty` when something of them is not committed, and its time: what
    did not change keeps its image. ("unknown", "") outside a clone."""
    commit, _, when = _git("log", "-1", "--format=%H %cI", "--", *paths).strip().partition(" ")
    if not commit:
        return "unknown", ""
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", *paths)
    return commit + ("-dirty" if changed else ""), when


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else ""


def choose_base(engine: Engine, wanted: str) -> str:
    if wanted not in ("auto", "pinned", "local"):
        return wanted
    if wanted != "local":
        if engine.has(pinned_base()):
            return pinned_base()
        try:
            engine.ask("pull", "--quiet", pinned_base())
        except ImageError as error:
            if wanted == "pinned":
                raise
            say(f"{error}\n  so a base is made of Debian's packages here: for trying, not for publishing")
        else:
            return pinned_base()
    return local_base(engine)


def local_base(engine: Engine) -> str:
    command = [str(ROOT / "deploy/images/base")]
    done = subprocess.run(
        command, env={**os.environ, "ENGINE": engine.name}, stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        raise ImageError("no base could be made")
    return done.stdout.strip()


def build(engine: Engine, service: str, wanted: Wanted) -> Built:
    image = full_name(wanted.repository, service, wanted.tag)
    commit, when = revision(inputs(service))
    told = {"SERVICE": service, "VERSION": wanted.tag, "REVISION": commit, "CREATED": when, "SOURCE": wanted.source}
    started = time.monotonic()
    engine.build(ROOT, Recipe(image, wanted.base, told, wanted.fresh))
    seconds = time.monotonic() - started
    made = engine.inspect(image)
    identity = made["Id"] if made["Id"].startswith("sha256:") else f"sha256:{made['Id']}"
    return Built(image, identity, made["Size"] / 1e6, seconds)


def say(line: str) -> None:
    sys.stderr.write(f"heliograph: {line}\n")
    sys.stderr.flush()


def asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="deploy.images.build", description="Builds the images.")
    parser.add_argument("services", nargs="*", metavar="SERVICE", help=f"default all: {' '.join(SERVICES)}")
    parser.add_argument("--tag", default="", help="default the version of pyproject.toml")
    parser.add_argument("--repository", default="heliograph", help="what goes before /SERVICE (default %(default)s)")
    parser.add_argument("--base", default="auto", help="auto, pinned, local, or the name of an image")
    parser.add_argument("--engine", default="", help="podman, buildah or docker (default the first that is there)")
    parser.add_argument("--source", default="", help="where the sources are published, for a label")
    parser.add_argument("--fresh", action="store_true", help="use no layer of before")
    return parser.parse_args()


def main() -> None:
    told = asked()
    services = told.services or list(SERVICES)
    if unknown := sorted(set(services) - set(SERVICES)):
        sys.exit(f"heliograph: no such image: {', '.join(unknown)}; there are {' '.join(SERVICES)}")
    try:
        engine = find(told.engine)
        base = choose_base(engine, told.base)
        wanted = Wanted(told.repository, told.tag or version(), base, told.source, told.fresh)
        say(f"building with {engine.name} on {base}")
        for number, service in enumerate(services, start=1):
            say(f"{number} of {len(services)}: {service}")
            sys.stdout.write(f"{build(engine, service, wanted)}\n")
            sys.stdout.flush()
    except ImageError as error:
        sys.exit(f"heliograph: {error}")


if __name__ == "__main__":
    main()
