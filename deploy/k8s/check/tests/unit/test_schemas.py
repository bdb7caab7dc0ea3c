"""Schemas made from API descriptions refuse what the server would not know."""

import re
from typing import Any

import pytest

from deploy.k8s.check import crds, schemas, swagger

SWAGGER: dict[str, Any] = {
    "definitions": {
        "io.k8s.Pod": {
            "description": "a pod",
            "type": "object",
            "properties": {
                "spec": {"$ref": "#/definitions/io.k8s.PodSpec", "description": "of it"},
                "memory": {"$ref": "#/definitions/io.k8s.apimachinery.pkg.api.resource.Quantity"},
            },
            "x-kubernetes-group-version-kind": [{"group": "", "kind": "Pod", "version": "v1"}],
        },
        "io.k8s.PodSpec": {"type": "object", "properties": {"description": {"type": "string"}}},
        "io.k8s.apimachinery.pkg.api.resource.Quantity": {"type": "string"},
        "io.k8s.PodList": {
            "type": "object",
            "x-kubernetes-group-version-kind": [{"group": "", "kind": "PodList", "version": "v1"}],
        },
        "io.k8s.Unused": {"type": "object"},
    }
}

CRD: dict[str, Any] = {
    "kind": "CustomResourceDefinition",
    "spec": {
        "group": "example.com",
        "names": {"kind": "Widget"},
        "versions": [
            {
                "name": "v1",
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "metadata": {"type": "object"},
                            "spec": {
                                "type": "object",
                                "properties": {
                                    "port": {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}]},
                                    "note": {"type": "string", "nullable": True},
                                    "free": {
                                        "type": "object",
                                        "properties": {"a": {"type": "string"}},
                                        "x-kubernetes-preserve-unknown-fields": True,
                                    },
                                },
                            },
                        },
                    }
                },
            }
        ],
    },
}


def test_each_kind_carries_what_it_refers_to_and_lists_are_none() -> None:
    found = dict(swagger.schemas(SWAGGER))
    assert list(found) == ["v1/pod_v1.json"]
    assert "io.k8s.Unused" not in found["v1/pod_v1.json"]["definitions"]


def test_fields_that_no_description_names_are_refused() -> None:
    pod = dict(swagger.schemas(SWAGGER))["v1/pod_v1.json"]["definitions"]
    assert pod["io.k8s.Pod"]["additionalProperties"] is False
    assert pod["io.k8s.PodSpec"]["properties"] == {"description": {"type": "string"}}


def test_quantities_may_be_numbers() -> None:
    pod = dict(swagger.schemas(SWAGGER))["v1/pod_v1.json"]["definitions"]
    assert pod["io.k8s.apimachinery.pkg.api.resource.Quantity"]["type"] == ["string", "number"]


def test_a_custom_resource_is_closed_where_its_definition_is() -> None:
    path, schema = next(crds.schemas(CRD))
    spec = schema["properties"]["spec"]
    assert path == "example.com/widget_v1.json"
    assert spec["additionalProperties"] is False
    assert "additionalProperties" not in spec["properties"]["free"]
    assert spec["properties"]["port"]["type"] == ["integer", "string"]
    assert spec["properties"]["note"]["type"] == ["string", "null"]


@pytest.mark.parametrize("document", [None, {"kind": "Deployment"}])
def test_other_documents_have_no_schemas(document: Any) -> None:
    assert list(crds.schemas(document)) == []


def test_the_pins_say_versions_and_sums() -> None:
    assert len(schemas.minors()) == 3
    assert all(re.fullmatch(r"h1:[\w+/]{43}=", pin.total) for pin in schemas.pins())
