"""Media: from the upload to what a browser may show."""

from deploy.observability.boards.panels import Board, Panel, Query, Row
from deploy.observability.boards.queries import largest, quantile, rate

_ROUTES = 'route=~"/v1/media.*|/media/.*"'


def board() -> Board:
    return Board("media", "Media", "Uploads, processing, files.", (_queue(), _files()))


def _queue() -> Row:
    group = 'group="post.media"'
    return Row(
        "Processing",
        (
            Panel(
                "Media that wait",
                (Query("max(heliograph_media_queue_depth)", "media"),),
                "Uploaded, and neither ready nor refused. Counted to 10,001.",
            ),
            Panel(
                "Oldest",
                (Query(largest("heliograph_media_queue_age_seconds", ""), "oldest"),),
                "A post shows to others when its media are ready.",
                unit="s",
                red=120,
            ),
            Panel(
                "Handled",
                (
                    Query(
                        rate("heliograph_events_handled_total", "type, outcome", group),
                        "{{type}} {{outcome}}",
                    ),
                ),
                "Events a second.",
            ),
            Panel(
                "Event to effect",
                (
                    Query(quantile(0.5, "heliograph_event_age_seconds", where=group), "median"),
                    Query(quantile(0.99, "heliograph_event_age_seconds", where=group), "99%"),
                ),
                "From upload to ready.",
                unit="s",
            ),
            Panel(
                "Failed attempts",
                (
                    Query(
                        rate("heliograph_event_attempts_failed_total", "type, kind", group),
                        "{{type}} {{kind}}",
                        quiet="no attempt has failed",
                    ),
                ),
                "outage: waited out. fault: buried after five.",
                red=0.1,
            ),
            Panel(
                "Workers: CPU and memory",
                (
                    Query(rate("process_cpu_seconds_total", "process", 'process="media"'), "cores"),
                    Query('sum(process_resident_memory_bytes{process="media"}) / 1e9', "GB"),
                ),
                "Without the subprocesses that decode, which come and go.",
            ),
        ),
    )


def _files() -> Row:
    return Row(
        "Uploads and files",
        (
            Panel(
                "Requests",
                (
                    Query(
                        rate("heliograph_http_seconds_count", "method, route, status", _ROUTES),
                        "{{method}} {{route}} {{status}}",
                    ),
                ),
                "At all gateways; what the edge's cache answers is not among them.",
                unit="reqps",
                width=12,
            ),
            Panel(
                "Duration (99%)",
                (Query(quantile(0.99, "heliograph_http_seconds", "route", _ROUTES), "{{route}}"),),
                "With the transfer.",
                unit="s",
                width=12,
            ),
        ),
    )
