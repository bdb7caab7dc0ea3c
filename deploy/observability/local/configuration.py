"""What the programs are told."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from devstack.processes import MAIL, TABLE

from deploy.observability.check import rule_files

SCRAPE_SECONDS = 2
Json = dict[str, Any]


def prometheus(ports: Mapping[str, int]) -> str:
    """Scrapes every process of ours, with the target labels that the charts give too."""
    scrapes = [
        {
            "targets": [f"127.0.0.1:{ports[process.ops]}"],
            "labels": {"service": process.service, "process": process.name},
        }
        for process in TABLE
        if process.service != MAIL
    ]
    return yaml.safe_dump(
        {
            "global": {"scrape_interval": f"{SCRAPE_SECONDS}s", "evaluation_interval": "5s"},
            "rule_files": [str(path) for path in rule_files()],
            "scrape_configs": [{"job_name": "heliograph", "static_configs": scrapes}],
        },
        sort_keys=False,
    )


def collector(port: int, traces: Path) -> str:
    """Takes spans by OTLP and writes them to a file, one JSON object a line."""
    pipeline = {"receivers": ["otlp"], "processors": ["memory_limiter", "batch"], "exporters": ["file"]}
    config: Json = {
        "receivers": {"otlp": {"protocols": {"grpc": {"endpoint": f"127.0.0.1:{port}"}}}},
        "processors": {
            "memory_limiter": {"check_interval": "1s", "limit_mib": 256},
            "batch": {"timeout": "1s"},
        },
        "exporters": {"file": {"path": str(traces), "rotation": {"max_megabytes": 50, "max_backups": 2}}},
        "service": {
            "pipelines": {"traces": pipeline},
            "telemetry": {"logs": {"level": "warn"}, "metrics": {"level": "none"}},
        },
    }
    return yaml.safe_dump(config, sort_keys=False)
