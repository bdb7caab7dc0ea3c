"""The committed copy of the OpenAPI document, gateway/openapi.json."""

import json
import sys
from pathlib import Path

from gateway.app import build_api

COPY = Path(__file__).parents[2] / "openapi.json"


def run(*, check: bool) -> int:
    """Writes the copy, or answers 1 when it is not what the code says."""
    text = json.dumps(build_api().openapi(), indent=2, ensure_ascii=False) + "\n"
    if not check:
        COPY.write_text(text)
        return 0
    if COPY.exists() and COPY.read_text() == text:
        return 0
    sys.stderr.write("gateway/openapi.json is out of date: run `make openapi`\n")
    return 1
