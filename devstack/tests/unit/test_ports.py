"""Ports: chosen, remembered, moved, and refused in one line."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from devstack.faults import StackError
from devstack.processes import default_ports

from devstack import ports, stack

DEFAULTS = {"gateway": 8080, "edge": 8082}


@pytest.fixture
def held_port() -> Iterator[int]:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        yield holder.getsockname()[1]


def test_the_defaults_are_taken_when_nobody_asks(tmp_path: Path) -> None:
    assert ports.choose(tmp_path, DEFAULTS, {}) == DEFAULTS


def test_a_moved_port_is_remembered_at_the_next_start(tmp_path: Path) -> None:
    ports.choose(tmp_path, DEFAULTS, {"gateway": 9090})
    assert ports.choose(tmp_path, DEFAULTS, {}) == {"gateway": 9090, "edge": 8082}


def test_free_ports_stay_what_they_were_once_chosen(tmp_path: Path) -> None:
    first = ports.choose(tmp_path, DEFAULTS, {}, free=True)
    assert first != DEFAULTS
    assert ports.choose(tmp_path, DEFAULTS, {}, free=True) == first


def test_ports_of_the_servers_stay_when_the_whole_system_joins_them(tmp_path: Path) -> None:
    ports.choose(tmp_path, {"redis": 6379}, {"redis": 7000})
    assert ports.choose(tmp_path, DEFAULTS | {"redis": 6379}, {})["redis"] == 7000
    assert ports.choose(tmp_path, {"redis": 6379}, {}) == {"redis": 7000}
    assert ports.remembered(tmp_path)["gateway"] == 8080


def test_an_option_wins_over_a_variable() -> None:
    environment = {"HELIOGRAPH_PORT_GATEWAY_UPLOAD": "9091", "HELIOGRAPH_PORT_GATEWAY": "9090", "PATH": "/bin"}
    assert ports.asked_for(["gateway=7070"], environment) == {"gateway-upload": 9091, "gateway": 7070}


@pytest.mark.parametrize("text", ["gateway=0", "gateway=70000", "gateway=http", "gateway"])
def test_what_is_no_port_is_refused(text: str) -> None:
    with pytest.raises(StackError, match="not a port for gateway"):
        ports.asked_for([text], {})


def test_an_unknown_name_is_refused_with_the_names_there_are(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="no port is called gatewy; there are edge, gateway"):
        ports.choose(tmp_path, DEFAULTS, {"gatewy": 9090})


def test_two_processes_on_one_port_are_refused(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="gateway and edge would both listen on port 8082"):
        ports.choose(tmp_path, DEFAULTS, {"gateway": 8082})


def test_a_busy_port_is_named_with_the_way_to_move_it(held_port: int) -> None:
    with pytest.raises(StackError) as refused:
        ports.refuse_busy({"redis": held_port, "edge": ports.free_ports(1)[0]})
    assert str(refused.value) == (
        f"ports in use by other programs: redis={held_port}; move them, as by HELIOGRAPH_PORT_REDIS=NUMBER make up"
    )


def test_a_busy_port_that_was_asked_for_is_not_remembered(tmp_path: Path, held_port: int) -> None:
    with pytest.raises(StackError, match=f"gateway={held_port}"):
        stack.make_site(tmp_path, {"gateway": held_port}, whole=True)
    assert ports.remembered(tmp_path) == {}


def test_a_damaged_file_of_ports_is_named(tmp_path: Path) -> None:
    (tmp_path / "ports.json").write_text('{"gateway": 80')
    with pytest.raises(StackError, match=r"ports\.json is damaged"):
        ports.remembered(tmp_path)


def test_free_ports_are_free_and_different() -> None:
    found = ports.free_ports(20)
    assert len(set(found)) == 20
    ports.refuse_busy({str(port): port for port in found})


def test_no_default_collides_with_another(tmp_path: Path) -> None:
    everything = dict(ports.SERVER_PORTS) | default_ports()
    assert ports.choose(tmp_path, everything, {}) == everything
