"""Elasticsearch: the search index, which can be rebuilt."""

from devstack import artifacts, machine
from devstack.site import Site
from devstack.unit import Unit

NAME = "elasticsearch"
JVM = """\
-Xms384m
-Xmx384m
-Xss512k
-XX:+UseSerialGC
-XX:TieredStopAtLevel=1
-XX:ReservedCodeCacheSize=128m
-XX:-HeapDumpOnOutOfMemoryError
-XX:+ExitOnOutOfMemoryError
-Djava.io.tmpdir=${ES_TMPDIR}
"""
LOGGING = """\
status = error
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{ISO8601} %p %c{1.} %m%n
rootLogger.level = info
rootLogger.appenderRef.out.ref = out
"""


def prepare(site: Site) -> None:
    folder = machine.own(site.server(NAME), site.account)
    for part in ("config", "data", "logs", "tmp"):
        machine.own(folder / part, site.account)
    files = {"elasticsearch.yml": render(site), "jvm.options": JVM, "log4j2.properties": LOGGING}
    for name, text in files.items():
        (folder / "config" / name).write_text(text)
    for name in ("users", "users_roles", "roles.yml", "role_mapping.yml"):
        (folder / "config" / name).touch()
    machine.own(folder / "config/jvm.options.d", site.account)


def render(site: Site) -> str:
    folder = site.server(NAME)
    return f"""\
cluster.name: heliograph
node.name: heliograph-1
discovery.type: single-node
network.host: {site.host}
http.port: {site.ports[NAME]}
transport.port: {site.ports["elasticsearch-transport"]}
path.data: {folder}/data
path.logs: {folder}/logs
xpack.security.enabled: false
cluster.routing.allocation.disk.threshold_enabled: false
action.destructive_requires_name: false
node.processors: 2
"""


def unit(site: Site) -> Unit:
    folder = site.server(NAME)
    return Unit(
        name=NAME,
        command=[*machine.drop(site.account), "bash", f"{artifacts.home(NAME)}/bin/elasticsearch"],
        folder=folder,
        environment={
            "ES_JAVA_HOME": str(site.java),
            "ES_PATH_CONF": f"{folder}/config",
            "ES_TMPDIR": f"{folder}/tmp",  # noqa: S108 the stack's own folder
            "LIBFFI_TMPDIR": f"{folder}/tmp",  # noqa: S108 the stack's own folder
            "CLI_JAVA_OPTS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xmx32m",
            "LANG": "C.UTF-8",
        },
        stop_seconds=30,
    )


def settings(site: Site) -> dict[str, str]:
    return {"HELIOGRAPH_ELASTICSEARCH_URL": f"http://{site.host}:{site.ports[NAME]}"}
