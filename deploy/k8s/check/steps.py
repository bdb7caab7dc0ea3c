"""The steps of `make charts`: each raises Fault, or answers what it found, in a word."""

import os
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

from deploy.k8s.check import (
    charts,
    conform,
    facts,
    golden,
    operators,
    peers,
    readmes,
    scaling,
    schemas,
    servers,
    topics,
    truth,
    values,
)
from deploy.k8s.check.documents import Document, parse
from deploy.k8s.check.shell import ROOT, Fault, ask, run

CORES = os.cpu_count() or 1
WHOLE = ("default-external", "everything-on", "evaluation", "operators")


@dataclass(frozen=True)
class Checks:
    """Of the charts in `folder`, which have their dependencies in place."""

    folder: Path

    @cached_property
    def rendered(self) -> dict[str, str]:
        with ThreadPoolExecutor(CORES) as threads:
            texts = threads.map(partial(charts.render, self.folder), charts.EXAMPLES)
            return {example.name: text for example, text in zip(charts.EXAMPLES, texts, strict=True)}

    @property
    def kept(self) -> dict[str, str]:
        """Those of which there are golden files."""
        return {example.name: self.rendered[example.name] for example in charts.EXAMPLES if example.golden}

    @cached_property
    def documents(self) -> dict[str, list[Document]]:
        return {name: parse(text) for name, text in self.rendered.items()}

    def lint(self) -> str:
        """With the values of the examples, since required ones have no default."""
        for name in charts.names():
            examples = [each for each in charts.EXAMPLES if each.chart == name]
            for files in [each.files for each in examples] or [[]]:
                own = [word for file in files for word in ("--values", str(file))]
                if name in {each.chart for each in charts.EXAMPLES} or charts.is_library(name):
                    run(["helm", "lint", "--strict", "--quiet", name, *own], folder=self.folder)
        return f"{len(charts.names())} charts"

    def unit(self) -> str:
        """The suites of each chart, and those of every service's chart."""
        services = [f"heliograph-{service}" for service in charts.SERVICES]
        others = [name for name in charts.names() if name not in services and (self.folder / name / "tests").is_dir()]
        own = ["-f", "tests/*_test.yaml"]
        both = [*own, "-f", "../tests/*_test.yaml"]
        suites, names = (both, both, own), (services[:4], services[4:], others)
        with ThreadPoolExecutor(CORES) as threads:
            return ", ".join(threads.map(self._unit, suites, names))

    def _unit(self, suites: list[str], names: list[str]) -> str:
        answer = ask(["helm-unittest", "--strict", "--with-subchart=false", *suites, *names], folder=self.folder)
        if answer.status:
            raise Fault(answer.text)
        return " ".join(line.partition(":")[2].strip() for line in answer.out.splitlines() if line.startswith("Tests:"))

    def values(self) -> str:
        """They are written from one source, and the schema names each of them."""
        run([sys.executable, "-m", "deploy.k8s.values", "--check"], folder=ROOT)
        found = [line for name in charts.names() for line in values.faults(self.folder / name)]
        return _none(found)

    def readmes(self) -> str:
        return readmes.compare(self.folder)

    def golden(self) -> str:
        golden.compare(self.kept)
        topics.compare()
        return f"{len(self.kept)} examples"

    def schemas(self) -> str:
        """The newest templates of all examples, for each Kubernetes."""
        told = [f"{version}: {conform.valid(self.rendered, version)}" for version in schemas.minors()]
        return ", ".join(told)

    def score(self) -> str:
        return conform.score(self.rendered, charts.RENDERED_FOR)

    def truth(self) -> str:
        found = list(facts.faults())
        for name in WHOLE:
            documents = self.documents[name]
            for check in (truth.processes, truth.settings, scaling.topics, scaling.shutdown, peers.faults):
                found += [f"{name}: {line}" for line in check(documents)]
        found += operators.faults(self.documents["operators"])
        found += servers.faults(self.documents["evaluation-servers"])
        for name, documents in self.documents.items():
            found += [f"{name}: {line}" for line in truth.keys(documents)]
        return _none(found)

    def renew(self) -> None:
        golden.renew(self.kept)
        topics.renew()
        readmes.renew(self.folder)

    @property
    def all(self) -> dict[str, Callable[[], str]]:
        order = (self.lint, self.unit, self.values, self.readmes, self.golden, self.schemas, self.score, self.truth)
        return {step.__name__: step for step in order}


def _none(faults: Iterable[str]) -> str:
    if found := list(dict.fromkeys(faults)):
        raise Fault("\n".join(found))
    return ""
