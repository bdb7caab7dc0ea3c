from itertools import islice

from kit.cql import cluster_of, statements
from kit.settings import CassandraSettings, read


def test_a_script_is_cut_into_statements_without_comments() -> None:
    script = """
    -- the first; with a semicolon
    create table a (id int primary key); -- more
    create table b (
        id int -- the id
        primary key);

    """
    first, second = statements(script)
    assert first == "create table a (id int primary key)"
    assert second.split() == ["create", "table", "b", "(", "id", "int", "primary", "key)"]


def test_a_node_that_was_away_for_an_hour_is_found_within_seconds() -> None:
    settings = read(CassandraSettings, cassandra_contact_points="127.0.0.1:1", cassandra_keyspace="a")
    pauses: list[float] = list(islice(cluster_of(settings, 1.0).reconnection_policy.new_schedule(), 1_000))
    assert len(pauses) == 1_000
    assert sum(pauses) > 3_600
    assert max(pauses) <= 5
