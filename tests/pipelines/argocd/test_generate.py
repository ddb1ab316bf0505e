"""Argo CD's project and Applications: what follows from which words of the catalogue."""

from typing import Any

import pytest
import yaml

from delivery.bluegreen.colours import LABEL, LIVE, RUN, Colour, side_name
from pipelines.argocd import generate
from pipelines.argocd.differences import COLOUR, COLOURS, NOTES
from pipelines.catalog import Catalog
from pipelines.catalog.environment import parse_environment
from tests.pipelines.examples import ENVIRONMENT_TEXT, changed, service
from tests.pipelines.monitoring.promtool import ADDRESSES

GITOPS = {"repository": "https://git.example/wanted.git", "branch": "live", "folder": "shops/far"}


def made(services: tuple[Any, ...] = (), **changes: object) -> dict[str, Any]:
    """Generate for one environment; give the project and its Application by their kinds."""
    services = services or (service("shop"),)
    told = {
        "name": "far",
        "namespace": "shop-far",
        "registry": "ghcr.io/example",
        "services": [each.name for each in services],
        **changes,
    }
    path = "manifests/environments/far/environment.yaml"
    environment = parse_environment(path, changed(ENVIRONMENT_TEXT, **told))
    catalog = Catalog({each.name: each for each in services}, {"far": environment})
    texts = generate(catalog, ADDRESSES)
    return {obj["kind"]: obj for obj in map(yaml.safe_load, texts.values())}


def spec(services: tuple[Any, ...] = (), **changes: object) -> dict[str, Any]:
    """Give the Application's spec."""
    found: dict[str, Any] = made(services, **changes)["Application"]["spec"]
    return found


def test_an_environment_without_approval_syncs_by_itself_and_heals() -> None:
    assert spec()["syncPolicy"]["automated"] == {"prune": True, "selfHeal": True}


def test_an_environment_that_wants_approval_is_synced_by_a_person() -> None:
    assert "automated" not in spec(approval="required")["syncPolicy"]


def test_where_a_delivery_waits_for_the_cluster_it_syncs_by_itself_in_any_case() -> None:
    """The approval is before the commit then."""
    policy = spec(approval="required", mode="gitops", gitops=GITOPS)["syncPolicy"]
    assert policy["automated"] == {"prune": True, "selfHeal": True}


def test_a_failed_sync_is_tried_again_later_and_later() -> None:
    retry = spec()["syncPolicy"]["retry"]
    assert (retry["limit"], retry["backoff"]) == (
        5,
        {"duration": "5s", "factor": 2, "maxDuration": "3m"},
    )


def test_it_reads_this_repository_or_the_one_that_deliveries_commit_to() -> None:
    own, other = spec()["source"], spec(mode="gitops", gitops=GITOPS)["source"]
    keys = ("repoURL", "targetRevision", "path")
    assert [own[key] for key in keys] == [
        "https://git.example/shop.git",
        "main",
        "manifests/environments/far",
    ]
    assert [other[key] for key in keys] == list(GITOPS.values())
    project = made(mode="gitops", gitops=GITOPS)["AppProject"]["spec"]
    assert project["sourceRepos"] == [GITOPS["repository"]]


def test_it_writes_into_its_own_namespace_and_nothing_of_the_cluster() -> None:
    found = made()
    destination = found["Application"]["spec"]["destination"]
    assert destination == {"server": "https://kubernetes.default.svc", "namespace": "shop-far"}
    assert found["AppProject"]["spec"]["destinations"] == [destination]
    assert found["AppProject"]["spec"]["clusterResourceWhitelist"] == []


def test_the_colour_of_a_blue_green_service_is_not_argos_business() -> None:
    ignored = spec((service("shop", strategy="blue-green"), service("cart")))["ignoreDifferences"]
    assert {"cart"} & {each["name"].partition("-")[0] for each in ignored} == set()
    by_name = {(each["kind"], each["name"]): each for each in ignored}
    assert set(by_name) == {
        ("Service", "shop"),
        *(("Deployment", name) for name in ("shop", "shop-blue", "shop-green")),
    }
    assert by_name["Service", "shop"]["jsonPointers"] == [
        "/spec/selector/shipyard.dev~1colour",
        "/metadata/annotations/shipyard.dev~1live",
        "/metadata/annotations/shipyard.dev~1run",
    ]
    assert by_name["Deployment", "shop-blue"]["jsonPointers"] == [
        "/spec/replicas",
        "/metadata/labels/shipyard.dev~1colour",
        "/spec/selector/matchLabels/shipyard.dev~1colour",
        "/spec/template/metadata/labels/shipyard.dev~1colour",
    ]
    assert "RespectIgnoreDifferences=true" in spec()["syncPolicy"]["syncOptions"]


@pytest.mark.parametrize(
    ("own", "here", "count"),
    [("rolling", "blue-green", 4), ("blue-green", "rolling", 0), ("rolling", "rolling", 0)],
)
def test_what_counts_is_the_strategy_in_that_environment(own: str, here: str, count: int) -> None:
    overrides = {"shop": {"strategy": here}}
    found = spec((service("shop", strategy=own),), overrides=overrides)["ignoreDifferences"]
    assert len(found) == count


def test_colours_and_notes_are_those_of_the_delivery() -> None:
    assert (COLOUR, NOTES) == (LABEL, (LIVE, RUN))
    assert [side_name("shop", each) for each in Colour] == [f"shop-{each}" for each in COLOURS]


def test_a_selector_is_never_applied_as_one_value() -> None:
    """Server-side apply and replacing both would take the colour out of the selector."""
    options = spec()["syncPolicy"]["syncOptions"]
    assert not {"ServerSideApply=true", "Replace=true"} & set(options)


def patched(found: dict[str, Any]) -> dict[tuple[str, str], dict[str, str]]:
    """List what patches note on objects, by kind and name."""
    return {
        (each["target"]["kind"], each["target"].get("name", "")): yaml.safe_load(each["patch"])[
            "metadata"
        ]["annotations"]
        for each in found["source"]["kustomize"]["patches"]
    }


def test_deployments_are_left_to_the_delivery_where_it_applies_them() -> None:
    """Their digests are not in git."""
    notes = patched(spec())
    assert notes["Deployment", ""] == {"argocd.argoproj.io/hook": "Skip"}
    assert notes["ConfigMap", ""]["argocd.argoproj.io/sync-options"] == "Prune=false"


def test_waves_keep_the_order_of_services_where_git_counts() -> None:
    cart = service("cart", dependencies=["shop"])
    front = service("front", dependencies=["cart", "shop"])
    notes = patched(spec((front, service("shop"), cart), mode="gitops", gitops=GITOPS))
    waves = {key: int(told["argocd.argoproj.io/sync-wave"]) for key, told in notes.items()}
    assert waves == {
        ("ConfigMap", ""): -1,
        ("ServiceAccount", ""): -1,
        ("Deployment", "shop"): 0,
        ("Deployment", "cart"): 1,
        ("Deployment", "front"): 2,
        ("Ingress", ""): 3,
    }


def test_an_environment_of_one_machine_has_no_argo_cd() -> None:
    assert made(registry="localhost:5000") == {}


def test_people_hear_of_every_outcome() -> None:
    notes = made()["Application"]["metadata"]["annotations"]
    assert set(notes) == {
        f"notifications.argoproj.io/subscribe.{trigger}.slack"
        for trigger in ("on-sync-failed", "on-health-degraded", "on-sync-succeeded")
    }
