"""What is kept of containers' words when a request failed."""

from datetime import UTC, datetime
from pathlib import Path

from deploy.k8s.test.place import Place
from deploy.k8s.test.said import troubles

SINCE = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_errors_and_warnings_since_then_are_found_in_their_order(tmp_path: Path) -> None:
    for pod, lines in (
        ("gateway-1", ['03:04:09.5Z stderr F {"level": "error", "event": "second"}']),
        (
            "feed-1",
            [
                '03:04:04.9Z stderr F {"level": "error", "event": "before"}',
                '03:04:06Z stderr F {"level":"warning","event":"first"}',
                '03:04:07Z stderr F {"level": "info", "event": "error"}',
            ],
        ),
    ):
        folder = tmp_path / "pod-logs" / f"heliograph_{pod}_uid" / "serve"
        folder.mkdir(parents=True)
        (folder / "0.log").write_text("".join(f"2026-01-02T{line}\n" for line in lines))

    found = troubles(Place(tmp_path), SINCE)

    assert [line.split()[1] for line in found] == ["feed-1", "gateway-1"]
    assert [word in line for word, line in zip(("first", "second"), found, strict=True)] == [True, True]
    assert troubles(Place(tmp_path), SINCE, most=1) == found[1:]
