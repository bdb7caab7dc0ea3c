"""See the package."""

import sys
from pathlib import Path

from deploy.k8s.values import charts
from deploy.k8s.values.charts import COMMON, K8S, SERVICES, UMBRELLA


def files() -> dict[Path, str]:
    """Every file that is written, as it should be."""
    wanted = {K8S / COMMON / "templates" / "_defaults.tpl": charts.library_defaults()}
    for service in SERVICES:
        facts, folder = charts.facts_of(service), K8S / f"heliograph-{service}"
        wanted[folder / "values.yaml"] = charts.values_of(facts)
        wanted[folder / "values.schema.json"] = charts.schema_of(facts)
    wanted[K8S / UMBRELLA / "values.yaml"] = charts.umbrella_values()
    wanted[K8S / UMBRELLA / "values.schema.json"] = charts.umbrella_schema()
    return wanted


def main(*, check: bool) -> int:
    stale = [path for path, text in files().items() if not path.exists() or path.read_text() != text]
    if check:
        for path in stale:
            sys.stderr.write(f"{path.relative_to(K8S.parents[1])} is not current: make charts-values\n")
        return 1 if stale else 0
    for path in stale:
        path.write_text(files()[path])
    return 0


if __name__ == "__main__":
    sys.exit(main(check="--check" in sys.argv[1:]))
