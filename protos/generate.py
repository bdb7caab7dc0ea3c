"""Generate the stubs beside the protos: `python protos/generate.py`.

With --check, fail when what is committed differs.
"""

import filecmp
import shutil
import sys
import tempfile
from importlib.resources import files
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).parent


def generate(out: Path) -> list[Path]:
    """Write the stubs of every proto below `out` and return their paths, relative to it."""
    protos = sorted(ROOT.glob("heliograph/**/*.proto"))
    services = [path for path in protos if "\nservice " in path.read_text()]
    _protoc(protos, f"--python_out={out}", f"--mypy_out=quiet:{out}")
    # The documented spelling `async_only` is ignored by mypy-protobuf 5.1.
    _protoc(services, f"--grpc_python_out={out}", f"--mypy_grpc_out=quiet,only_async:{out}")
    return sorted(path.relative_to(out) for path in out.rglob("*_pb2*.py*"))


def _protoc(protos: list[Path], *options: str) -> None:
    well_known = files("grpc_tools").joinpath("_proto")
    status = protoc.main(
        ["protoc", f"-I{ROOT}", f"-I{well_known}", *options, *(str(p.relative_to(ROOT)) for p in protos)]
    )
    if status != 0:
        sys.exit(status)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        made = generate(Path(folder))
        there = sorted(path.relative_to(ROOT) for path in ROOT.glob("heliograph/*/v1/*_pb2*.py*"))
        if "--check" in sys.argv[1:]:
            differ = [
                p for p in made if not (ROOT / p).exists() or not filecmp.cmp(ROOT / p, Path(folder) / p, shallow=False)
            ]
            stale = differ + sorted(set(there) - set(made))
            if stale:
                sys.exit("stubs differ from the protos, run `make protos`: " + ", ".join(map(str, stale)))
            return
        for path in set(there) - set(made):
            (ROOT / path).unlink()
        for path in made:
            shutil.copyfile(Path(folder) / path, ROOT / path)


if __name__ == "__main__":
    main()
