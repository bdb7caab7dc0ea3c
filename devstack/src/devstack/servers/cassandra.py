"""Cassandra: one node with one token.

The commit log is synced once a second: what a kill of the process leaves behind is whole, since the log is a mapped
file, and a crash of the machine costs at most that second of views, which can be rebuilt from truth.
"""

from devstack import artifacts, machine
from devstack.servers.size import Size, wanted
from devstack.site import Site
from devstack.unit import Unit

NAME = "cassandra"
LOGGING = """\
<configuration scan="false">
  <appender name="out" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%date{ISO8601} %level [%thread] %logger{0} %msg%n</pattern></encoder>
  </appender>
  <logger name="org.apache.cassandra" level="INFO"/>
  <root level="WARN"><appender-ref ref="out"/></root>
</configuration>
"""
EXPORTS = (
    "java.base/jdk.internal.misc",
    "java.base/jdk.internal.ref",
    "java.base/java.lang.ref",
    "java.base/sun.nio.ch",
    "java.management.rmi/com.sun.jmx.remote.internal.rmi",
    "java.rmi/sun.rmi.registry",
    "java.rmi/sun.rmi.server",
    "java.sql/java.sql",
    "jdk.unsupported/sun.misc",
)
OPENS = (
    "java.base/java.io",
    "java.base/java.lang",
    "java.base/java.lang.module",
    "java.base/java.lang.reflect",
    "java.base/java.nio",
    "java.base/java.util",
    "java.base/java.util.concurrent",
    "java.base/java.util.concurrent.atomic",
    "java.base/jdk.internal.loader",
    "java.base/jdk.internal.math",
    "java.base/jdk.internal.module",
    "java.base/jdk.internal.ref",
    "java.base/jdk.internal.reflect",
    "java.base/jdk.internal.util.jar",
    "java.base/sun.nio.ch",
    "jdk.management/com.sun.management.internal",
)

_MEMTABLES = {
    Size.SMALL: """\
memtable_allocation_type: heap_buffers
memtable_heap_space: 64MiB
memtable_offheap_space: 64MiB""",
    # Sorted by tries, and out of the collector's sight (CEP-19).
    Size.LARGE: """\
memtable:
  configurations: {default: {class_name: TrieMemtable}}
memtable_allocation_type: offheap_objects
memtable_heap_space: 512MiB
memtable_offheap_space: 512MiB""",
}
_JAVA = {
    Size.SMALL: (
        *("-Xms384m", "-Xmx384m", "-XX:MaxDirectMemorySize=192m", "-XX:ReservedCodeCacheSize=128m"),
        *("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
    ),
    Size.LARGE: ("-Xms2g", "-Xmx2g", "-XX:MaxDirectMemorySize=1g", "-XX:+UseParallelGC"),
}


def prepare(site: Site) -> None:
    folder = machine.own(site.server(NAME), site.account)
    for part in ("", "data", "commitlog", "saved_caches", "hints", "cdc_raw", "tmp", "logs"):
        machine.own(folder / part, site.account)
    (folder / "conf").mkdir(exist_ok=True)
    (folder / "conf/logback.xml").write_text(LOGGING)
    (folder / "conf/cassandra.yaml").write_text(render(site))


def render(site: Site) -> str:
    folder = site.server(NAME)
    return f"""\
cluster_name: heliograph
partitioner: org.apache.cassandra.dht.Murmur3Partitioner
num_tokens: 1
initial_token: "0"
auto_bootstrap: false
seed_provider:
  - class_name: org.apache.cassandra.locator.SimpleSeedProvider
    parameters: [{{seeds: "{site.host}:{site.ports["cassandra-storage"]}"}}]
endpoint_snitch: SimpleSnitch
dynamic_snitch: false
listen_address: {site.host}
storage_port: {site.ports["cassandra-storage"]}
ssl_storage_port: {site.ports["cassandra-tls"]}
start_native_transport: true
rpc_address: {site.host}
native_transport_port: {site.ports[NAME]}
native_transport_max_threads: 32
data_file_directories: [{folder}/data]
commitlog_directory: {folder}/commitlog
saved_caches_directory: {folder}/saved_caches
hints_directory: {folder}/hints
cdc_raw_directory: {folder}/cdc_raw
commitlog_sync: periodic
commitlog_sync_period: 1000ms
commitlog_segment_size: 8MiB
commitlog_total_space: 256MiB
commit_failure_policy: stop
disk_failure_policy: stop
auto_snapshot: false
hinted_handoff_enabled: false
authenticator: AllowAllAuthenticator
authorizer: AllowAllAuthorizer
{_MEMTABLES[wanted()]}
memtable_flush_writers: 1
concurrent_reads: 8
concurrent_writes: 8
concurrent_counter_writes: 4
concurrent_compactors: 1
compaction_throughput: 0MiB/s
key_cache_size: 8MiB
row_cache_size: 0MiB
counter_cache_size: 2MiB
prepared_statements_cache_size: 10MiB
file_cache_size: 32MiB
networking_cache_size: 32MiB
read_request_timeout: 10000ms
range_request_timeout: 20000ms
write_request_timeout: 10000ms
cas_contention_timeout: 10000ms
request_timeout: 20000ms
unlogged_batch_across_partitions_warn_threshold: 100
batch_size_warn_threshold: 64KiB
batch_size_fail_threshold: 512KiB
user_defined_functions_enabled: false
materialized_views_enabled: false
sasi_indexes_enabled: false
"""


def unit(site: Site) -> Unit:
    folder, home = site.server(NAME), artifacts.home(NAME)
    agent = next(home.glob("jamm-*.jar"))
    options = [
        *(f"--add-exports={package}=ALL-UNNAMED" for package in EXPORTS),
        *(f"--add-opens={package}=ALL-UNNAMED" for package in OPENS),
        *("-Xss512k", *_JAVA[wanted()], "-XX:-UsePerfData", "-XX:+ExitOnOutOfMemoryError"),
        "-Djava.awt.headless=true",
        "-Djava.security.manager=allow",
        f"-Djava.io.tmpdir={folder}/tmp",  # noqa: S108 the stack's own folder
        "-Djdk.attach.allowAttachSelf=true",
        "-Dio.netty.tryReflectionSetAccessible=true",
        "-Dio.netty.eventLoopThreads=2",
        f"-Dlogback.configurationFile={folder}/conf/logback.xml",
        f"-Dcassandra.config=file://{folder}/conf/cassandra.yaml",
        f"-Dcassandra.storagedir={folder}",
        f"-Dcassandra.logdir={folder}/logs",
        "-Dcassandra-foreground=yes",
        "-Dcassandra.jmx.local.port=0",
        *("-Dcassandra.ring_delay_ms=0", "-Dcassandra.skip_wait_for_gossip_to_settle=0"),
        "-Dcassandra.superuser_setup_delay_ms=0",
        f"-javaagent:{agent}",
    ]
    java = [f"{site.java}/bin/java", *options, "-cp", f"{folder}/conf:{home}/*"]
    command = [*machine.drop(site.account), *java, "org.apache.cassandra.service.CassandraDaemon"]
    return Unit(NAME, command, folder, {"LANG": "C.UTF-8"}, stop_seconds=30)


def settings(site: Site) -> dict[str, str]:
    return {
        "HELIOGRAPH_CASSANDRA_CONTACT_POINTS": f"{site.host}:{site.ports[NAME]}",
        "HELIOGRAPH_CASSANDRA_LOCAL_DC": "datacenter1",
    }
