"""Argo CD's manifests as they are committed: allow-lists that fit, patches that apply, fields that its kinds have.

No Argo CD runs here and kubernetes-validate has no schema of its kinds, so that the structure is compared with FIELDS: the part of
its CRDs that is used here (argo-cd 3, `manifests/crds`), written down by hand. What that cannot find is a value that its controller refuses.
"""

import json
import os
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.manifests.conftest import MANIFESTS, Obj, render

ARGO = MANIFESTS / "argocd"
APPLICATIONS = sorted(ARGO.glob("applications/*.yaml"))
TEXT = {"type": "string", "minLength": 1}
TEXTS = {"type": "array", "items": TEXT}
DURATION = {"type": "string", "pattern": r"^\d+(s|m|h)$"}


def fields(required: str = "", **properties: Any) -> dict[str, Any]:
    """Describe a mapping that has these keys and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": required.split(),
        "additionalProperties": False,
    }


METADATA = fields(
    "name namespace",
    name=TEXT,
    namespace=TEXT,
    labels={"type": "object"},
    annotations={"type": "object"},
)
GROUP_KINDS = {"type": "array", "items": fields("group kind", group={"type": "string"}, kind=TEXT)}
DESTINATION = fields("server namespace", server=TEXT, namespace=TEXT)
FIELDS = {
    "Application": fields(
        "apiVersion kind metadata spec",
        apiVersion={"const": "argoproj.io/v1alpha1"},
        kind=TEXT,
        metadata=METADATA,
        spec=fields(
            "destination project source",
            project=TEXT,
            destination=DESTINATION,
            source=fields(
                "repoURL",
                repoURL=TEXT,
                targetRevision=TEXT,
                path=TEXT,
                kustomize=fields(
                    patches={
                        "type": "array",
                        "items": fields("patch", patch=TEXT, target=fields(kind=TEXT, name=TEXT)),
                    }
                ),
            ),
            syncPolicy=fields(
                automated=fields(prune={"type": "boolean"}, selfHeal={"type": "boolean"}),
                syncOptions={"type": "array", "items": {"pattern": "^[A-Za-z]+=[a-z]+$"}},
                retry=fields(
                    limit={"type": "integer"},
                    backoff=fields(
                        duration=DURATION, factor={"type": "integer"}, maxDuration=DURATION
                    ),
                ),
            ),
            ignoreDifferences={
                "type": "array",
                "items": fields(
                    "kind", group={"type": "string"}, kind=TEXT, name=TEXT, jsonPointers=TEXTS
                ),
            },
            revisionHistoryLimit={"type": "integer"},
        ),
    ),
    "AppProject": fields(
        "apiVersion kind metadata spec",
        apiVersion={"const": "argoproj.io/v1alpha1"},
        kind=TEXT,
        metadata=METADATA,
        spec=fields(
            description=TEXT,
            sourceRepos=TEXTS,
            destinations={"type": "array", "items": DESTINATION},
            clusterResourceWhitelist=GROUP_KINDS,
            namespaceResourceWhitelist=GROUP_KINDS,
            roles={
                "type": "array",
                "items": fields("name", name=TEXT, description=TEXT, policies=TEXTS),
            },
        ),
    ),
}


def spec(path: Path) -> Obj:
    """Read the spec of a file's object."""
    return dict(yaml.safe_load(path.read_text())["spec"])


def group(obj: Obj) -> str:
    """Tell the group of an object's kind."""
    before, slash, _ = obj["apiVersion"].partition("/")
    return before if slash else ""


def test_every_object_has_only_fields_of_its_kind() -> None:
    objects = render(ARGO)
    assert sorted(obj["kind"] for obj in objects) == ["AppProject", *["Application"] * 3]
    for obj in objects:
        jsonschema.validate(obj, FIELDS[obj["kind"]])


def test_test_syncs_by_itself_staging_and_production_are_synced_by_people() -> None:
    automated = {path.stem: spec(path)["syncPolicy"].get("automated") for path in APPLICATIONS}
    assert automated == {
        "shipyard-production": None,
        "shipyard-staging": None,
        "shipyard-test": {"prune": True, "selfHeal": True},
    }


@pytest.mark.parametrize("path", APPLICATIONS, ids=lambda path: path.stem)
def test_the_project_allows_what_its_applications_hold_and_no_kind_more(path: Path) -> None:
    project = spec(ARGO / "project.yaml")
    application = spec(path)
    assert application["source"]["repoURL"] in project["sourceRepos"]
    assert application["destination"] in project["destinations"]
    allowed = {(each["group"], each["kind"]) for each in project["namespaceResourceWhitelist"]}
    rendered = render(MANIFESTS.parent / application["source"]["path"])
    held = {(group(obj), obj["kind"]) for obj in rendered}
    assert held <= allowed
    assert {obj["metadata"]["namespace"] for obj in rendered} == {
        application["destination"]["namespace"]
    }


def test_the_project_allows_no_kind_that_neither_overlay_nor_component_holds(
    tmp_path: Path,
) -> None:
    at = os.path.relpath(MANIFESTS, tmp_path)
    components = [f"{at}/components/{path.name}" for path in sorted(MANIFESTS.glob("components/*"))]
    text = {"resources": [f"{at}/environments/production"], "components": components}
    (tmp_path / "kustomization.yaml").write_text(json.dumps(text))
    held = {(group(obj), obj["kind"]) for obj in render(tmp_path)}
    project = spec(ARGO / "project.yaml")
    assert {(each["group"], each["kind"]) for each in project["namespaceResourceWhitelist"]} == held
    assert project["clusterResourceWhitelist"] == []


@pytest.mark.parametrize("path", APPLICATIONS, ids=lambda path: path.stem)
def test_kustomize_takes_the_patches_and_only_notes_change(path: Path, tmp_path: Path) -> None:
    application = spec(path)
    folder = MANIFESTS.parent / application["source"]["path"]
    patches = application["source"]["kustomize"]["patches"]
    text = {"resources": [os.path.relpath(folder, tmp_path)], "patches": patches}
    (tmp_path / "kustomization.yaml").write_text(json.dumps(text))
    before, after = render(folder), render(tmp_path)
    noted = {}
    for plain, patched in zip(before, after, strict=True):
        notes = patched["metadata"].pop("annotations", {})
        own = plain["metadata"].pop("annotations", {})
        assert plain == patched
        noted[patched["kind"]] = {name: notes[name] for name in notes.keys() - own.keys()}
        assert own.items() <= notes.items()
    assert noted["Deployment"] == {"argocd.argoproj.io/hook": "Skip"}
    assert noted["Service"] == {}


def test_whoever_subscribes_gets_a_message() -> None:
    values = yaml.safe_load((ARGO / "install/values.yaml").read_text())["notifications"]
    sent = {
        name.removeprefix("trigger."): yaml.safe_load(text)[0]["send"]
        for name, text in values["triggers"].items()
    }
    for path in APPLICATIONS:
        notes = yaml.safe_load(path.read_text())["metadata"]["annotations"]
        assert {re.sub(r".*subscribe\.(.*)\.slack", r"\1", name) for name in notes} == set(sent)
    for templates in sent.values():
        for template in templates:
            assert "message" in yaml.safe_load(values["templates"][f"template.{template}"])


def test_no_secret_is_in_git() -> None:
    values = (ARGO / "install/values.yaml").read_text()
    notifications = yaml.safe_load(values)["notifications"]
    assert notifications["secret"] == {"create": False}
    assert notifications["notifiers"] == {"service.slack": "token: $slack-token\n"}
