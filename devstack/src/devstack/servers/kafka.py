"""Kafka: one broker that is its own controller."""

import base64
import secrets
from pathlib import Path

from devstack import artifacts, machine
from devstack.servers.size import Size, wanted
from devstack.site import Site
from devstack.unit import Unit

NAME = "kafka"
LOGGING = """\
Configuration:
  status: error
  Appenders:
    Console:
      name: out
      PatternLayout: {pattern: "%d{ISO8601} %p %c{1}: %m%n"}
  Loggers:
    Root:
      level: WARN
      AppenderRef: [{ref: out}]
    Logger:
      - {name: kafka.server.KafkaRaftServer, level: INFO}
"""


def prepare(site: Site) -> None:
    folder = machine.own(site.server(NAME), site.account)
    (folder / "log4j2.yaml").write_text(LOGGING)
    (folder / "server.properties").write_text(render(site))
    if not (folder / "data/meta.properties").exists():
        machine.run(
            [*_java(site, folder, "-Xmx128m", "-XX:TieredStopAtLevel=1"), "kafka.tools.StorageTool", "format",
             "-t", cluster_id(),
             "-c", f"{folder}/server.properties", "--ignore-formatted"],
            site.account,
            site.log(NAME),
            what="format Kafka's data folder",
        )  # fmt: skip


def cluster_id() -> str:
    """16 random bytes in base64. The first is below 128: a dash in front would be taken for an option."""
    return base64.urlsafe_b64encode(bytes([secrets.randbelow(128)]) + secrets.token_bytes(15)).decode()[:22]


def _java(site: Site, folder: Path, *options: str) -> list[str]:
    return [
        f"{site.java}/bin/java",
        "-XX:+UseSerialGC",
        "-XX:-UsePerfData",
        "-Djava.awt.headless=true",
        f"-Dlog4j2.configurationFile={folder}/log4j2.yaml",
        *options,
        "-cp",
        f"{artifacts.home(NAME)}/*",
    ]


def render(site: Site) -> str:
    broker, controller = site.ports[NAME], site.ports["kafka-controller"]
    return f"""\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{site.host}:{controller}
listeners=PLAINTEXT://{site.host}:{broker},CONTROLLER://{site.host}:{controller}
advertised.listeners=PLAINTEXT://{site.host}:{broker}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs={site.server(NAME)}/data
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
default.replication.factor=1
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
num.network.threads=2
num.io.threads=2
background.threads=2
log.segment.bytes=67108864
log.index.size.max.bytes=1048576
log.cleaner.dedupe.buffer.size=16777216
"""


_JAVA = {
    Size.SMALL: (
        *("-Xms192m", "-Xmx192m", "-XX:MaxDirectMemorySize=96m", "-XX:ReservedCodeCacheSize=96m"),
        "-XX:TieredStopAtLevel=1",
    ),
    Size.LARGE: ("-Xms512m", "-Xmx512m", "-XX:MaxDirectMemorySize=256m"),
}


def unit(site: Site) -> Unit:
    folder = site.server(NAME)
    java = _java(site, folder, "-Xss512k", *_JAVA[wanted()], "-XX:+ExitOnOutOfMemoryError")
    command = [*machine.drop(site.account), *java, "kafka.Kafka", f"{folder}/server.properties"]
    return Unit(NAME, command, folder, {"LANG": "C.UTF-8"}, stop_seconds=30)


def settings(site: Site) -> dict[str, str]:
    return {"HELIOGRAPH_KAFKA_BOOTSTRAP": f"{site.host}:{site.ports[NAME]}"}
