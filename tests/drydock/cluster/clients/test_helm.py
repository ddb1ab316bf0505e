"""Helm 4 itself against the cluster: a release from its first day to its last."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.drydock.cluster.clients.conftest import Cluster
from tests.drydock.cluster.controllers.conftest import NAMESPACE

DEPLOYMENT = "apps/v1/Deployment"
CHART = """
apiVersion: v2
name: shop
version: 1.2.3
"""
VALUES = "image: img:1\nreplicas: 2\nnotes: {}\ngreeting: hello\n"
WEB = """
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}-web
spec:
  replicas: {{ .Values.replicas }}
  progressDeadlineSeconds: 3
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
      annotations: {{ toJson .Values.notes }}
    spec:
      containers:
        - {name: web, image: {{ .Values.image }}}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ .Release.Name }}-web
spec:
  selector: {app: web}
  ports: [{port: 80}]
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-settings
data:
  greeting: {{ .Values.greeting }}
  {{- with lookup "v1" "Namespace" "" .Release.Namespace }}
  namespace: {{ .metadata.name }}
  {{- end }}
"""
HOOK = """
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .Release.Name }}-migrate
  annotations:
    helm.sh/hook: pre-install,pre-upgrade
    helm.sh/hook-delete-policy: before-hook-creation
spec:
  backoffLimit: 0
  template:
    metadata:
      annotations: {played/exit-code: "0"}
    spec:
      restartPolicy: Never
      containers: [{name: migrate, image: img:1}]
"""
TEST = """
apiVersion: v1
kind: Pod
metadata:
  name: {{ .Release.Name }}-test
  annotations: {helm.sh/hook: test, played/exit-code: "0"}
spec:
  restartPolicy: Never
  containers: [{name: ask, image: img:1}]
"""
DEFINITION = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: orders.shop.example}
spec:
  group: shop.example
  scope: Namespaced
  names: {plural: orders, kind: Order}
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties: {spec: {type: object, properties: {size: {type: integer}}}}
"""
ORDER = "apiVersion: shop.example/v1\nkind: Order\nmetadata: {name: first}\nspec: {size: 3}\n"


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    for name, text in (
        ("Chart.yaml", CHART),
        ("values.yaml", VALUES),
        ("templates/web.yaml", WEB),
        ("templates/migrate.yaml", HOOK),
        ("templates/test.yaml", TEST),
        ("templates/order.yaml", ORDER),
        ("crds/orders.yaml", DEFINITION),
    ):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


Helm = Callable[..., Awaitable[str]]


@pytest.fixture
def run(cluster: Cluster, helm: Path) -> Helm:
    """Run Helm in the namespace of the test; it ends as expected, and what it said comes back."""

    async def ask(*arguments: str | Path, code: int = 0) -> str:
        found, said = await cluster.run(helm, "-n", NAMESPACE, *arguments)
        assert found == code, said
        return said

    return ask


async def image(cluster: Cluster) -> str:
    found = await cluster.get(DEPLOYMENT, "one-web")
    return str(found["spec"]["template"]["spec"]["containers"][0]["image"])


async def test_a_release_is_installed_upgraded_rolled_back_and_removed(
    cluster: Cluster, run: Helm, chart: Path
):
    """Every step waits for the pods; definitions, hooks, tests and look-ups work."""
    await run("install", "one", chart, "--wait", "--timeout=30s")
    found = await cluster.get(DEPLOYMENT, "one-web")
    assert found["status"]["availableReplicas"] == 2
    assert found["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "Helm"
    settings = await cluster.get("v1/ConfigMap", "one-settings")
    assert settings["data"] == {"greeting": "hello", "namespace": NAMESPACE}
    assert (await cluster.get("shop.example/v1/Order", "first"))["spec"] == {"size": 3}
    assert "Phase:" in await run("test", "one", "--timeout=30s")
    await run(
        *("upgrade", "one", chart, "--wait", "--timeout=30s"),
        *("--set", "image=img:2", "--set", "greeting=bye"),
    )
    assert await image(cluster) == "img:2"
    await run("rollback", "one", "1", "--wait", "--timeout=30s")
    assert await image(cluster) == "img:1"
    listed = json.loads(await run("history", "one", "-o", "json"))
    assert [one["status"] for one in listed] == ["superseded", "superseded", "deployed"]
    (row,) = json.loads(await run("list", "-o", "json"))
    assert (row["name"], row["revision"], row["status"]) == ("one", "3", "deployed")
    await run("uninstall", "one", "--wait", "--timeout=30s")
    assert not await cluster.all(DEPLOYMENT)
    assert not await cluster.all("v1/Service")
    assert json.loads(await run("list", "-o", "json")) == []


async def test_a_release_that_never_gets_ready_is_taken_back(
    cluster: Cluster, run: Helm, chart: Path
):
    """`--rollback-on-failure` ends with the old version running."""
    await run("install", "one", chart, "--wait", "--timeout=30s")
    said = await run(
        *("upgrade", "one", chart, "--rollback-on-failure", "--timeout=5s"),
        *("--set", "image=img:2", "--set-string", "notes.played/never-ready=true"),
        code=1,
    )
    assert "rolled back" in said
    assert await image(cluster) == "img:1"
    listed = json.loads(await run("history", "one", "-o", "json"))
    assert [one["status"] for one in listed] == ["superseded", "failed", "deployed"]


async def test_a_field_that_somebody_else_owns_is_a_conflict(
    cluster: Cluster, run: Helm, chart: Path
):
    """Helm applies on the server's side; `--force-conflicts` takes the field over."""
    await run("install", "one", chart, "--wait", "--timeout=30s")
    patch = '{"data": {"greeting": "mine"}}'
    code, said = await cluster.kubectl(
        "patch", "configmap", "one-settings", "-p", patch, "--field-manager=me"
    )
    assert code == 0, said
    upgrade = ("upgrade", "one", chart, "--set", "greeting=bye")
    said = await run(*upgrade, code=1)
    assert 'conflict with "me"' in said
    await run(*upgrade, "--force-conflicts")
    assert (await cluster.get("v1/ConfigMap", "one-settings"))["data"]["greeting"] == "bye"


async def test_a_dry_run_asks_the_server_and_changes_nothing(
    cluster: Cluster, run: Helm, chart: Path
):
    """Look-ups are answered, and the namespace stays empty."""
    await cluster.kubectl("apply", "-f", str(chart / "crds"))
    said = await run("install", "one", chart, "--dry-run=server")
    assert f"namespace: {NAMESPACE}" in said
    assert not await cluster.all(DEPLOYMENT)
    assert json.loads(await run("list", "-o", "json")) == []
