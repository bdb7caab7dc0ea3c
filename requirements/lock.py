"""Renew the locks: `python requirements/lock.py`. With --check, fail when one is out of date.

One lock per deployable, with versions and hashes and no download addresses; `dev.lock` holds every member and tool.
Versions that a lock already holds stay unless --upgrade is given.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
LOCKS = ROOT / "requirements"
MEMBERS = ["heliograph-kit", "heliograph-protos", "heliograph-rendering"]
DEPLOYABLES = {path.parent.name: path.parent for path in sorted(ROOT.glob("services/*/pyproject.toml"))} | {
    "gateway": ROOT / "gateway",
    "devstack": ROOT / "devstack",
    "helio": ROOT / "helio",
}
EVERYTHING = [
    "libs/kit",
    "libs/rendering",
    "protos",
    "demo",
    *(str(path.relative_to(ROOT)) for path in DEPLOYABLES.values()),
]


def compile_lock(out: Path, sources: list[str], *options: str) -> None:
    command = [
        "uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11",
        "--generate-hashes", "--no-emit-index-url", "--no-header", "--no-annotate",
        *(part for member in MEMBERS for part in ("--no-emit-package", member)),
        *options, "--output-file", str(out), *(f"{source}/pyproject.toml" for source in sources),
    ]  # fmt: skip
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 our own arguments


def locks() -> dict[str, tuple[list[str], list[str]]]:
    """Lock name to its sources and options; `dev` first, since what is tested is what ships."""
    like_dev = ["--constraints", str(LOCKS / "dev.lock")]
    per_deployable = {name: ([str(path.relative_to(ROOT))], like_dev) for name, path in DEPLOYABLES.items()}
    return {"dev": ([".", *EVERYTHING], ["--all-extras", "--group", "dev"]), **per_deployable}


def main() -> None:
    flags = sys.argv[1:]
    stale: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for name, (sources, options) in locks().items():
            lock, fresh = LOCKS / f"{name}.lock", Path(folder) / f"{name}.lock"
            old = lock.read_text() if lock.exists() else ""
            fresh.write_text(old)
            compile_lock(fresh, sources, *options, *(["--upgrade"] if "--upgrade" in flags else []))
            if fresh.read_text() != old:
                stale.append(name)
                if "--check" not in flags:
                    lock.write_text(fresh.read_text())
    if stale and "--check" in flags:
        sys.exit(f"locks are out of date, run `make lock`: {', '.join(stale)}")


if __name__ == "__main__":
    main()
