"""What containers have said: of pods that are gone nothing is left to read later."""

from datetime import datetime

from deploy.k8s.test.place import Place

_LEVELS = ('"level": "error"', '"level":"error"', '"level": "warning"', '"level":"warning"', "Traceback")
_LONGEST = 1000  # characters of a line


def troubles(place: Place, since: datetime, most: int = 20) -> list[str]:
    """Errors and warnings since then, the last `most`, each with its pod. The cluster has to be one of ours: a node's
    files are not to be read from elsewhere."""
    found: list[tuple[str, str]] = []
    begun = since.strftime("%Y-%m-%dT%H:%M:%S")
    for file in place.root.glob("pod-logs/*/*/*.log"):
        pod = file.parents[1].name.split("_")[1]
        for line in file.read_text(errors="replace").splitlines():
            at, _, text = line.partition(" ")  # RFC 3339, in UTC: they compare as strings
            if at >= begun and any(level in text for level in _LEVELS):
                found.append((at, f"{at} {pod} {text[:_LONGEST]}"))
    return [line for _, line in sorted(found)[-most:]]
