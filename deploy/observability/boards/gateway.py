"""The gateways: routes, limits, and what their answers cost."""

from deploy.observability.boards.panels import Board, Panel, Query, Row, Variable
from deploy.observability.boards.queries import WINDOW, quantile, rate, share

_CHOSEN = 'process=~"$process",route=~"$route"'


def board() -> Board:
    variables = (
        Variable("process", "heliograph_http_seconds_count", "process"),
        Variable("route", "heliograph_http_seconds_count", "route"),
    )
    return Board("gateway", "Gateway", "Routes: rate, errors, duration.", (_routes(), _room(), _guards()), variables)


def _routes() -> Row:
    requests = rate("heliograph_http_seconds_count", "method, route", _CHOSEN)
    broken = rate("heliograph_http_seconds_count", "method, route", _CHOSEN + ',status=~"5.."')
    return Row(
        "Routes",
        (
            Panel("Requests", (Query(requests, "{{method}} {{route}}"),), "A second.", unit="reqps", width=12),
            Panel(
                "Duration (99%)",
                (Query(quantile(0.99, "heliograph_http_seconds", "method, route", _CHOSEN), "{{method}} {{route}}"),),
                "Dots are exemplars: each leads to its trace.",
                unit="s",
                width=12,
            ),
            Panel(
                "Share of 5xx",
                (Query(share(broken, requests), "{{method}} {{route}}", quiet="no request has failed"),),
                "By route.",
                unit="percentunit",
                red=0.001,
                width=12,
            ),
            Panel(
                "Refused to clients",
                (
                    Query(
                        rate("heliograph_http_seconds_count", "route, status", _CHOSEN + ',status=~"4.."'),
                        "{{status}} {{route}}",
                        quiet="no client has asked for what it cannot have",
                    ),
                ),
                "4xx by route.",
                unit="reqps",
                width=12,
            ),
        ),
    )


def _room() -> Row:
    where = 'process=~"$process"'
    return Row(
        "Room",
        (
            Panel(
                "Being answered",
                (
                    Query(f"sum by (instance) (heliograph_http_in_flight{{{where}}})", "{{instance}}"),
                    Query(f"max by (process) (heliograph_http_in_flight_limit{{{where}}})", "limit of {{process}}"),
                ),
                "At once, by gateway.",
            ),
            Panel(
                "Turned away",
                (Query(rate("heliograph_http_shed_total", "instance", where), "{{instance}}"),),
                "Requests a second that found no room: more gateways are needed, or something behind them is slow.",
                unit="reqps",
                red=0.1,
            ),
            Panel(
                "Calls to services (99%)",
                (
                    Query(
                        quantile(0.99, "heliograph_rpc_client_seconds", "method", 'service="gateway",' + where),
                        "{{method}}",
                    ),
                ),
                "As the gateway sees them.",
                unit="s",
            ),
        ),
    )


def _guards() -> Row:
    unlimited = "nobody has asked for more than a limit allows"
    return Row(
        "Limits and sessions",
        (
            Panel(
                "Refused by a limit",
                (Query(rate("heliograph_gateway_limited_total", "bucket"), "{{bucket}}", quiet=unlimited),),
                "A second, by the limit that refused.",
                unit="reqps",
            ),
            Panel(
                "Limited without Redis",
                (Query(f"sum(rate(heliograph_gateway_limit_fallbacks_total[{WINDOW}]))"),),
                "While this is not 0, each gateway counts for itself.",
                unit="reqps",
                red=0.1,
            ),
            Panel(
                "Revoked sessions: age of the list",
                (Query("max by (instance) (heliograph_gateway_revocations_age_seconds)", "{{instance}}"),),
                "A revoked session works for that much longer.",
                unit="s",
                red=30,
            ),
        ),
    )
