"""What helm would apply against Kubernetes' own schemas, and against kube-score's advice."""

import json
import re
from pathlib import Path
from typing import Any, cast

from deploy.k8s.check import schemas
from deploy.k8s.check.documents import listed
from deploy.k8s.check.shell import Fault, ask

_SUMMARY = re.compile(r"^Summary: (?P<count>[1-9]\d*) resources? .*Skipped: (?P<skipped>\d+)", re.MULTILINE)
IGNORED = Path(__file__).parent / "kube-score.txt"


def valid(rendered: dict[str, str], version: str) -> str:
    """Every document has the schema of its kind and no field that it does not know. Raises Fault."""
    folder = schemas.folder()
    places = [word for kind in (version, schemas.EXTENSIONS) for word in ("-schema-location", _location(folder / kind))]
    command = ["kubeconform", "-strict", "-summary", "-output", "text", "-kubernetes-version", version, *places, "-"]
    count = 0
    for name, text in rendered.items():
        answer = ask(command, given=text)
        found = _SUMMARY.search(answer.out)
        if answer.status or not found or found["skipped"] != "0":
            raise Fault(f"{name}: {answer.text}")
        count += int(found["count"])
    return f"{count} documents"


def _location(folder: Path) -> str:
    return f"{folder}/{schemas.LOCATION}"


def ignored() -> list[str]:
    """Options that leave out tests of kube-score. Raises Fault where one is left out, and nobody says why."""
    found: list[str] = []
    for line in IGNORED.read_text().splitlines():
        name, _, reason = line.partition(" ")
        if not reason.strip():
            raise Fault(f"{IGNORED.name}: {name} is left out for no reason")
        if not line.startswith("#"):
            found += [name] if name.startswith("--") else ["--ignore-test", name]
    return found


def score(rendered: dict[str, str], version: str) -> str:
    """No finding is critical. Raises Fault."""
    minor = "v" + ".".join(version.split(".")[:2])
    command = ["kube-score", "score", "--output-format", "json", "--kubernetes-version", minor]
    command += ignored()
    found: list[str] = []
    for name, text in rendered.items():
        answer = ask([*command, "-"], given=text)
        try:
            found += [f"{name}: {line}" for line in _criticals(json.loads(answer.out))]
        except ValueError as error:
            raise Fault(f"{name}: {answer.text}") from error
    if found:
        raise Fault("\n".join(found))
    return f"{len(rendered)} examples"


def _criticals(objects: Any) -> list[str]:
    found: list[str] = []
    for each in cast("list[dict[str, Any]]", objects or []):
        for check in listed(each, "checks"):
            if check.get("grade") == 1 and not check.get("skipped"):
                told = "; ".join(
                    f"{comment.get('path', '')} {comment.get('summary', '')}".strip()
                    for comment in listed(check, "comments")
                )
                found.append(f"{each['object_name']}: {check['check']['id']}: {told}")
    return found
