"""The servers of deploy/compose.yaml are set as the ones that everything is measured on."""

from pathlib import Path

import yaml
from devstack.servers import cassandra
from devstack.site import Site

from devstack import system

COMPOSE = system.TOPICS.with_name("compose.yaml")
OVERRIDE = "-Dcassandra.settings."
# What callers notice: how large batches may be and how long is waited. The rest is the machine's size.
NOTICED = ("threshold", "timeout")


def test_cassandra_takes_the_batches_that_fan_out_writes() -> None:
    told = yaml.safe_load(COMPOSE.read_text())["services"]["cassandra"]["environment"]["JVM_EXTRA_OPTS"].split()
    pairs = [option.removeprefix(OVERRIDE).split("=") for option in told if option.startswith(OVERRIDE)]
    set_there = {name: yaml.safe_load(value) for name, value in pairs}
    ports = {"cassandra": 1, "cassandra-storage": 2, "cassandra-tls": 3}
    measured = yaml.safe_load(cassandra.render(Site(Path("/run"), ports, None, Path())))
    wanted = {name: value for name, value in measured.items() if name.endswith(NOTICED)}

    assert wanted
    assert {name: set_there.get(name) for name in wanted} == wanted
    assert {name: measured[name] for name in set_there} == set_there
    assert "-Dcassandra.config.allow_system_properties=true" in told
