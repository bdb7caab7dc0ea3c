"""What was promised (docs/objectives.md), and how much of the budget for errors is used."""

from deploy.observability.boards.panels import Board, Panel, Query, Row
from deploy.observability.rules.objectives import OBJECTIVES, Objective


def board() -> Board:
    return Board(
        "objectives",
        "Objectives",
        "A burn of 1 uses a month's budget in a month; at 14.4 somebody is woken.",
        (_burn(), *map(_row, OBJECTIVES)),
    )


def _burn() -> Row:
    return Row(
        "Burn",
        (
            Panel(
                "Burn over an hour",
                (Query("heliograph:slo_burn:ratio1h", "{{sli}}", quiet="an hour of traffic has not passed"),),
                "How many times faster than allowed.",
                red=14.4,
                width=12,
            ),
            Panel(
                "Burn over three days",
                (Query("heliograph:slo_burn:ratio3d", "{{sli}}", quiet="there is no traffic"),),
                "Over 1 for long: the month's budget will not last.",
                red=1,
                width=12,
            ),
        ),
    )


def _row(objective: Objective) -> Row:
    where = f'{{sli="{objective.sli}"}}'
    return Row(
        f"{objective.title}: {100 * objective.target:g}%",
        (
            Panel(
                "Bad, of all",
                (
                    Query(
                        f"heliograph:slo_burn:ratio5m{where} * {objective.budget:g}", objective.sli, quiet="no traffic"
                    ),
                ),
                objective.promise,
                unit="percentunit",
                red=objective.budget,
                width=12,
                height=6,
            ),
            Panel(
                "Events",
                (
                    Query(f"heliograph:sli_events:rate5m{where}", "all", quiet="no traffic"),
                    Query(f"heliograph:sli_bad:rate5m{where}", "bad"),
                ),
                "A second.",
                width=12,
                height=6,
            ),
        ),
    )
