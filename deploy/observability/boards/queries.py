"""Expressions that several dashboards share. All end up with the labels they are asked for and no others."""

WINDOW = "$__rate_interval"
FAULTS = "UNKNOWN|DEADLINE_EXCEEDED|INTERNAL|UNAVAILABLE|DATA_LOSS|RESOURCE_EXHAUSTED"


def rate(metric: str, by: str = "", where: str = "") -> str:
    return f"sum{_by(by)} (rate({metric}{{{where}}}[{WINDOW}]))"


def quantile(share: float, histogram: str, by: str = "", where: str = "") -> str:
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({share}, sum by ({labels}) (rate({histogram}_bucket{{{where}}}[{WINDOW}])))"


def share(part: str, whole: str) -> str:
    """Of two sums with the same labels; nothing while the whole is none."""
    return f"({part}) / ({whole} > 0)"


def largest(metric: str, by: str, where: str = "") -> str:
    return f"max{_by(by)} ({metric}{{{where}}})"


def _by(by: str) -> str:
    return f" by ({by})" if by else ""
