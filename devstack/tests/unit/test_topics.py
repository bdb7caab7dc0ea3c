"""deploy/topics.yaml."""

import re
from pathlib import Path

import pytest
from devstack.faults import StackError
from devstack.names import Names, fresh_names

from devstack import data, system

SERVICES = Path(__file__).parents[3] / "services"
# A consumer group as services name it: the service and a word.
GROUP = re.compile(r'"((?:user|graph|post|feed|notify|search)\.[a-z]+)"')
NO_GROUPS = {"user.suspend", "user.restore"}  # names of acts


def test_every_topic_is_listed_once_and_every_dead_letter_topic_belongs_to_one() -> None:
    names = [topic.name for topic in data.topics(system.TOPICS, Names())]
    assert len(names) == len(set(names))
    domains = [name for name in names if not name.endswith(".dlq")]
    assert {"heliograph.user.v1", "heliograph.fanout.small.v1"} <= set(domains)
    for letter in set(names) - set(domains):
        assert any(letter.startswith(f"{domain}.") for domain in domains), letter


def test_every_group_of_consumers_has_a_place_for_dead_letters() -> None:
    letters = [topic.name for topic in data.topics(system.TOPICS, Names()) if topic.name.endswith(".dlq")]
    sources = [file.read_text() for file in SERVICES.glob("*/src/**/*.py")]
    groups = {group for source in sources for group in GROUP.findall(source)} - NO_GROUPS
    assert {"user.avatars", "feed.fanout", "graph.requests"} <= groups
    assert not [group for group in groups if not any(name.endswith(f".{group}.dlq") for name in letters)]


def test_another_stack_has_the_same_topics_under_names_of_its_own() -> None:
    names = fresh_names(0)
    ours, theirs = data.topics(system.TOPICS, Names()), data.topics(system.TOPICS, names)
    assert [topic.name.removeprefix(names.topics) for topic in theirs] == [
        topic.name.removeprefix("heliograph.") for topic in ours
    ]
    assert not {topic.name for topic in ours} & {topic.name for topic in theirs}


def test_settings_of_a_topic_reach_kafka_as_text(tmp_path: Path) -> None:
    file = tmp_path / "topics.yaml"
    file.write_text("topics: [{name: heliograph.x.v1, partitions: 3, retention_ms: 1000, cleanup: compact}]")
    (topic,) = data.topics(file, Names())
    assert (topic.partitions, dict(topic.config)) == (3, {"cleanup.policy": "compact", "retention.ms": "1000"})


@pytest.mark.parametrize("text", ["", "topics: 3", "topics: [{name: x}]", "{"])
def test_a_file_that_lists_no_topics_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "topics.yaml"
    file.write_text(text)
    with pytest.raises(StackError, match=r"topics\.yaml is not a list of topics"):
        data.topics(file, Names())
