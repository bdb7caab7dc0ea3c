"""S3 by s3proxy over a plain folder. Checks signatures, expiry, sizes and types; knows no bucket policies."""

from devstack import artifacts, machine
from devstack.site import Site, write_private
from devstack.unit import Unit

NAME = "s3"
REGION = "us-east-1"
ACCESS_KEY = "heliograph"


def prepare(site: Site) -> None:
    folder = machine.own(site.server(NAME), site.account)
    machine.own(folder / "data", site.account)
    write_private(folder / "s3proxy.conf", render(site))
    machine.give(folder / "s3proxy.conf", site.account)


def render(site: Site) -> str:
    return f"""\
s3proxy.endpoint=http://{site.host}:{site.ports[NAME]}
s3proxy.authorization=aws-v2-or-v4
s3proxy.identity={ACCESS_KEY}
s3proxy.credential={site.secret("s3_secret_key")}
s3proxy.cors-allow-all=true
jclouds.provider=filesystem-nio2
jclouds.identity={ACCESS_KEY}
jclouds.credential={site.secret("s3_secret_key")}
jclouds.filesystem.basedir={site.server(NAME)}/data
"""


def unit(site: Site) -> Unit:
    folder = site.server(NAME)
    jar = next(artifacts.home("s3proxy").glob("*.jar"))
    heap = ["-Xms32m", "-Xmx96m", "-Xss512k", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData"]
    java = [f"{site.java}/bin/java", *heap, f"-Djava.io.tmpdir={folder}", "-jar", str(jar)]
    return Unit(NAME, [*machine.drop(site.account), *java, "--properties", f"{folder}/s3proxy.conf"], folder)


def settings(site: Site) -> dict[str, str]:
    return {
        "HELIOGRAPH_S3_ENDPOINT": f"http://{site.host}:{site.ports[NAME]}",
        "HELIOGRAPH_S3_REGION": REGION,
        "HELIOGRAPH_S3_ACCESS_KEY": ACCESS_KEY,
        "HELIOGRAPH_S3_SECRET_KEY": site.secret("s3_secret_key"),
    }
