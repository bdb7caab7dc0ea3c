"""The servers' programs: what Maven brings, kept in one folder that all clones of this user share.

A program is complete or absent: it is unpacked beside its place and renamed into it.
"""

import os
import platform
import shutil
import subprocess
import tarfile
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape  # nosec B406 writes XML, reads none

from devstack import sums
from devstack.faults import StackError

MAVEN_PLUGIN = "3.6.1"
POSTGRES = "18.6.0"
FAULT_LENGTH = 300


@dataclass(frozen=True)
class Artifact:
    """Maven coordinates; `alone` leaves its dependencies out."""

    group: str
    name: str
    version: str
    type: str = "jar"
    classifier: str = ""
    alone: bool = False


@dataclass(frozen=True)
class Program:
    name: str
    version: str
    artifacts: Sequence[Artifact]

    @property
    def folder(self) -> str:
        return f"{self.name}-{self.version}"


def programs() -> tuple[Program, ...]:
    """Versions pinned together: they are the ones that the configurations in `servers` were tried with."""
    return (
        Program("postgres", POSTGRES, (_postgres(),)),
        Program(
            "kafka",
            "4.3.1",
            (
                Artifact("org.apache.kafka", "kafka_2.13", "4.3.1"),
                Artifact("org.apache.logging.log4j", "log4j-slf4j-impl", "2.25.4"),
            ),
        ),
        Program("cassandra", "5.0.9", (Artifact("org.apache.cassandra", "cassandra-all", "5.0.9"),)),
        Program(
            "elasticsearch",
            "8.19.21",
            (Artifact("org.elasticsearch.distribution.integ-test-zip", "elasticsearch", "8.19.21", "zip", alone=True),),
        ),
        Program(
            "s3proxy",
            "4.1.0",
            (Artifact("org.gaul", "s3proxy", "4.1.0", classifier="jar-with-dependencies", alone=True),),
        ),
    )


def _postgres(machine: str = "") -> Artifact:
    arch = {"aarch64": "arm64v8", "arm64": "arm64v8"}.get(machine or platform.machine(), "amd64")
    return Artifact("io.zonky.test.postgres", f"embedded-postgres-binaries-linux-{arch}", POSTGRES, alone=True)


def cache_folder() -> Path:
    """Readable by the user that runs the servers, so root's is not below /root."""
    if chosen := os.environ.get("HELIOGRAPH_CACHE"):
        return Path(chosen)
    if os.geteuid() == 0:
        return Path("/var/cache/heliograph")
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "heliograph"


def home(name: str) -> Path:
    """Where the program `name` lies once fetched."""
    program = next(program for program in programs() if program.name == name)
    return cache_folder() / "servers" / program.folder


def missing() -> list[Program]:
    return [program for program in programs() if not home(program.name).is_dir()]


def fetch(program: Program) -> None:
    """Download and unpack one program. Raises StackError with Maven's last error line, or for a file that is not the
    one whose sum was written down."""
    target = home(program.name)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{program.folder}.", dir=target.parent) as temporary:
        work = Path(temporary)
        _maven(program, work)
        sums.verify(program.folder, sums.of(work / "lib"), sums.written(program.folder))
        ready = _unpack(program, work)
        ready.chmod(0o755)
        _settle(ready, target)


def write_sums() -> None:
    """Take up what Maven brings now, for machines of both kinds: after a version was changed."""
    elsewhere = Program("postgres", POSTGRES, tuple(_postgres(machine) for machine in ("x86_64", "aarch64")))
    for program in (*(one for one in programs() if one.name != "postgres"), elsewhere):
        with tempfile.TemporaryDirectory() as temporary:
            _maven(program, Path(temporary))
            sums.write(program.folder, sums.of(Path(temporary) / "lib"))


def _settle(ready: Path, target: Path) -> None:
    try:
        ready.rename(target)
    except OSError:
        if not target.is_dir():  # else another clone was first, with the same content
            raise


def _maven(program: Program, work: Path) -> None:
    pom = work / "pom.xml"
    pom.write_text(render_pom(program))
    goal = f"org.apache.maven.plugins:maven-dependency-plugin:{MAVEN_PLUGIN}:copy-dependencies"
    command = ["mvn", "-q", "-B", "-C", "-Dstyle.color=never", "-f", str(pom), goal, f"-DoutputDirectory={work}/lib"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        log = cache_folder() / f"fetch-{program.name}.log"
        log.write_text(done.stdout + done.stderr)
        raise StackError(f"cannot fetch {program.folder} with Maven: {maven_fault(done.stdout)}", log)


def maven_fault(output: str) -> str:
    """The end of Maven's first error, where the cause stands."""
    found = (line.partition("[ERROR] ")[2] for line in output.splitlines())  # colour codes may stand before it
    text = next((line for line in found if line), "no output").partition(" -> [Help")[0]
    return text if len(text) <= FAULT_LENGTH else "..." + text[-FAULT_LENGTH:]


def render_pom(program: Program) -> str:
    dependencies = "".join(_dependency(artifact) for artifact in program.artifacts)
    return (
        '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
        f"<groupId>heliograph</groupId><artifactId>{program.name}-program</artifactId>"
        f"<version>1</version><packaging>pom</packaging><dependencies>{dependencies}</dependencies>"
        "<build><plugins><plugin><groupId>org.apache.maven.plugins</groupId>"
        f"<artifactId>maven-dependency-plugin</artifactId><version>{MAVEN_PLUGIN}</version>"
        "</plugin></plugins></build></project>\n"
    )


def _dependency(artifact: Artifact) -> str:
    fields = {
        "groupId": artifact.group,
        "artifactId": artifact.name,
        "version": artifact.version,
        "type": artifact.type,
        "classifier": artifact.classifier,
    }
    text = "".join(f"<{tag}>{escape(value)}</{tag}>" for tag, value in fields.items() if value)
    if artifact.alone:
        text += "<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>"
    return f"<dependency>{text}</dependency>"


def _unpack(program: Program, work: Path) -> Path:
    """The folder that becomes the program's home."""
    lib = work / "lib"
    if program.name == "postgres":
        return _unpack_postgres(next(lib.glob("*.jar")), work / "home")
    if program.name == "elasticsearch":
        shutil.unpack_archive(next(lib.glob("*.zip")), work / "zip")
        found = next((work / "zip").iterdir())
        for script in (found / "bin").iterdir():
            script.chmod(0o755)
        return found
    return lib


def _unpack_postgres(jar: Path, target: Path) -> Path:
    with zipfile.ZipFile(jar) as archive:
        inner = next(name for name in archive.namelist() if name.endswith(".txz"))
        packed = Path(archive.extract(inner, target.parent))
    with tarfile.open(packed, "r:xz") as archive:
        # By this attribute, as the argument `filter` is younger than Debian 12's Python.
        archive.extraction_filter = getattr(tarfile, "tar_filter", None)
        archive.extractall(target)  # noqa: S202 what Maven brings is checked by its sums
    return target
