"""Grafana dashboards as code: what they show is said here, dashboards/*.json is generated."""

from deploy.observability.boards import feed, gateway, kafka, media, objectives, overview, service
from deploy.observability.boards.panels import Board


def every() -> tuple[Board, ...]:
    return (
        overview.board(),
        objectives.board(),
        gateway.board(),
        service.board(),
        feed.board(),
        media.board(),
        kafka.board(),
    )
