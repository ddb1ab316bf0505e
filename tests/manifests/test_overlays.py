"""Every environment builds, fits Kubernetes' schema, and asks for what the services need, and no more."""

import json
from collections import Counter

import kubernetes_validate
import pytest
import yaml

from drydock.cluster.ingress.routes import Routes
from tests.manifests.conftest import APP, APPS, MANIFESTS, ROOT, Overlay

IN_FLIGHT_SECONDS = 20
"""How long a service may take to finish what it has begun; docs of the services."""


def test_every_object_is_valid_and_in_the_environments_namespace(overlay: Overlay) -> None:
    for obj in overlay.objects:
        kubernetes_validate.validate(obj, "1.37", strict=True)
        assert obj["metadata"]["namespace"] == overlay.settings["namespace"], obj["kind"]


def test_every_app_runs_in_every_environment(overlay: Overlay) -> None:
    assert [name for name, _, _ in overlay.deployments] == APPS


def test_every_app_is_whole(overlay: Overlay) -> None:
    for kind in ("Deployment", "Service", "ServiceAccount", "PodDisruptionBudget", "Ingress"):
        found = overlay.of(kind)
        assert [obj["metadata"]["name"] for obj in found] == APPS, kind
        assert [obj["metadata"]["labels"][APP] for obj in found] == APPS, kind


def test_selectors_find_exactly_the_pods_of_their_app(overlay: Overlay) -> None:
    labels = {name: spec["template"]["metadata"]["labels"] for name, spec, _ in overlay.deployments}

    def selected(selector: dict[str, str]) -> list[str]:
        return [name for name, own in labels.items() if selector.items() <= own.items()]

    for name, spec, _ in overlay.deployments:
        assert selected(spec["selector"]["matchLabels"]) == [name]
        for spread in spec["template"]["spec"]["topologySpreadConstraints"]:
            assert selected(spread["labelSelector"]["matchLabels"]) == [name]
    for service in overlay.of("Service"):
        assert selected(service["spec"]["selector"]) == [service["metadata"]["name"]]
    for budget in overlay.of("PodDisruptionBudget"):
        found = selected(budget["spec"]["selector"]["matchLabels"])
        assert found == [budget["metadata"]["name"]]


def test_a_service_has_the_port_of_its_container(overlay: Overlay) -> None:
    ports = {name: container["ports"] for name, _, container in overlay.deployments}
    for service in overlay.of("Service"):
        (port,) = service["spec"]["ports"]
        (inside,) = ports[service["metadata"]["name"]]
        assert (port["name"], port["targetPort"], inside["name"]) == ("http", "http", "http")
        assert port["port"] == inside["containerPort"]
        assert service["spec"]["type"] == "ClusterIP"


@pytest.mark.parametrize(
    "path", sorted(ROOT.glob("services/*/service.yaml")), ids=lambda path: str(path.parent.name)
)
def test_manifests_agree_with_service_yaml(overlay: Overlay, path: object) -> None:
    service = yaml.safe_load(path.read_text())  # type: ignore[attr-defined]
    container = {name: one for name, _, one in overlay.deployments}[service["name"]]
    assert container["ports"][0]["containerPort"] == service["port"]
    asked = {kind: container[f"{kind}Probe"]["httpGet"]["path"] for kind in ("liveness", "startup")}
    probes = service["probes"]
    assert asked == {"liveness": probes["health"], "startup": probes["ready"]}


def test_liveness_asks_for_health_and_the_other_probes_for_readiness(overlay: Overlay) -> None:
    for name, _, container in overlay.deployments:
        probes = {kind: container[f"{kind}Probe"] for kind in ("startup", "readiness", "liveness")}
        assert {probe["httpGet"]["port"] for probe in probes.values()} == {"http"}
        paths = {kind: probe["httpGet"]["path"] for kind, probe in probes.items()}
        assert paths["startup"] == paths["readiness"], name
        assert "ready" in paths["readiness"], name
        assert "health" in paths["liveness"], name


def test_backend_and_frontend_roll_as_required(overlay: Overlay) -> None:
    found = {name: (spec, container) for name, spec, container in overlay.deployments}
    spec, container = found["backend"]
    assert spec["replicas"] == 3
    assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 1}
    assert container["resources"] == {
        "requests": {"memory": "128Mi", "cpu": "100m"},
        "limits": {"memory": "256Mi", "cpu": "200m"},
    }
    spec, container = found["frontend"]
    assert spec["replicas"] == (2 if overlay.name == "local" else 3)
    assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 2, "maxUnavailable": 1}
    assert container["resources"] == {
        "requests": {"memory": "64Mi", "cpu": "50m"},
        "limits": {"memory": "128Mi", "cpu": "100m"},
    }


def test_more_than_one_pod_serves_where_people_look(overlay: Overlay) -> None:
    for name, spec, _ in overlay.deployments:
        assert spec["replicas"] > 1 or overlay.name == "local", name
        assert spec["template"]["spec"]["topologySpreadConstraints"], name


def test_production_has_more_pods_than_the_others(overlay: Overlay) -> None:
    replicas = {name: spec["replicas"] for name, spec, _ in overlay.deployments}
    samples = {"local": 1, "test": 2, "staging": 2, "production": 3}[overlay.name]
    assert (replicas["sample-app"], replicas["sample2-app"]) == (samples, samples)


def test_no_label_of_a_colour_stands_in_a_manifest(overlay: Overlay) -> None:
    """The same manifests serve both strategies: colours are the delivery's own writing."""
    assert "shipyard.dev/" not in json.dumps(overlay.objects)


def test_an_autoscaler_could_measure_every_pod(overlay: Overlay) -> None:
    """A share of the requested CPU is what it goes by."""
    for name, _, container in overlay.deployments:
        assert container["resources"]["requests"]["cpu"], name


def test_a_rolling_update_leaves_at_least_one_pod_to_serve(overlay: Overlay) -> None:
    for name, spec, _ in overlay.deployments:
        assert spec["replicas"] > spec["strategy"]["rollingUpdate"]["maxUnavailable"], name


def test_there_is_time_to_finish_what_was_begun(overlay: Overlay) -> None:
    for name, spec, container in overlay.deployments:
        env = {one["name"]: one.get("value", "") for one in container.get("env", [])}
        before = container["lifecycle"]["preStop"]["sleep"]["seconds"]
        needed = before + float(env.get("DRAIN_SECONDS", 0)) + IN_FLIGHT_SECONDS
        assert needed <= spec["template"]["spec"]["terminationGracePeriodSeconds"], name


def test_services_know_their_environment(overlay: Overlay) -> None:
    (settings,) = overlay.of("ConfigMap")
    assert settings["data"] == {"name": overlay.name}
    reference = {"configMapKeyRef": {"name": settings["metadata"]["name"], "key": "name"}}
    told = {
        name: one["name"]
        for name, _, container in overlay.deployments
        for one in container.get("env", [])
        if one.get("valueFrom") == reference
    }
    assert told == {"backend": "FLASK_ENV", "sample-app": "APP_ENV", "sample2-app": "APP_ENV"}


def test_no_two_ingresses_claim_one_path_of_one_host(overlay: Overlay) -> None:
    claims = Counter(
        (rule.get("host", ""), path["path"].rstrip("/"))
        for ingress in overlay.of("Ingress")
        for rule in ingress["spec"]["rules"]
        for path in rule["http"]["paths"]
    )
    assert len(claims) == len(APPS)
    assert set(claims.values()) == {1}


def test_each_ingress_leads_to_its_service_on_the_environments_host(overlay: Overlay) -> None:
    paths = {}
    for ingress in overlay.of("Ingress"):
        name, (rule,) = ingress["metadata"]["name"], ingress["spec"]["rules"]
        (path,) = rule["http"]["paths"]
        assert path["backend"]["service"] == {"name": name, "port": {"name": "http"}}
        assert rule.get("host", "") == overlay.host
        notes = ingress["metadata"]["annotations"]
        assert notes["nginx.ingress.kubernetes.io/ssl-redirect"] == "false"
        paths[name] = path["path"], notes.get("nginx.ingress.kubernetes.io/rewrite-target")
    assert paths == {
        "backend": ("/api", None),
        "frontend": ("/", None),
        "sample-app": ("/sample-app(/|$)(?!metrics)(.*)", "/$2"),
        "sample2-app": ("/sample2-app(/|$)(?!metrics)(.*)", "/$2"),
    }


@pytest.mark.parametrize("app", ["", "/sample-app", "/sample2-app"])
def test_nobody_outside_reads_metrics(overlay: Overlay, app: str) -> None:
    """The frontend's page answers instead, by the rules of ingress-nginx as Drydock keeps them."""
    made = {"creationTimestamp": "2026-01-02T03:04:05Z"}
    routes = Routes(
        {**obj, "metadata": {**obj["metadata"], **made}} for obj in overlay.of("Ingress")
    )
    for path in ("/metrics", "/METRICS", "/metrics/", "//metrics", "/x/../metrics", "/metrics%0A"):
        found = routes.find(overlay.host, app + path)
        assert found is not None
        assert found.backend.service == "frontend", path
    items = routes.find(overlay.host, f"{app}/api/items")
    assert items is not None
    assert (items.backend.service, items.path) == (app.strip("/") or "backend", "/api/items")


def test_images_are_named_only_so_that_delivery_pins_them(overlay: Overlay) -> None:
    for name, _, container in overlay.deployments:
        assert container["image"] == name


def test_every_folder_of_apps_is_an_app() -> None:
    for name in APPS:
        assert (MANIFESTS / "apps" / name / "kustomization.yaml").is_file()
