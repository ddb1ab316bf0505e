"""The Python client against the cluster: what programs do with it day by day."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TypeVar

import pytest
from kubernetes import client, config, dynamic, watch
from kubernetes.client.exceptions import ApiException, ConflictException, NotFoundException
from kubernetes.leaderelection import electionconfig, leaderelection
from kubernetes.leaderelection.resourcelock.leaselock import LeaseLock

from tests.drydock.cluster.clients.conftest import Cluster
from tests.drydock.cluster.controllers.conftest import NAMESPACE, template

T = TypeVar("T")


async def aside(work: Callable[[], T]) -> T:
    """Do what blocks in a thread; the cluster runs in this one."""
    async with asyncio.timeout(60):
        return await asyncio.to_thread(work)


@pytest.fixture
def api(cluster: Cluster) -> Iterator[client.ApiClient]:
    made = config.new_client_from_config(str(cluster.kubeconfig))
    yield made
    hang_up(made)


def hang_up(made: client.ApiClient) -> None:
    """Close the connections that a client keeps for its next call."""
    made.close()
    made.rest_client.pool_manager.clear()


def deployment(image: str = "img:1", replicas: int = 2) -> dict:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "web"}},
            "template": template("web", image),
        },
    }


async def test_a_program_rolls_out_and_watches(api: client.ApiClient):
    """A watch from a list's version misses nothing; a strategic patch changes one image."""
    apps = client.AppsV1Api(api)

    def work() -> list[int]:
        version = apps.list_namespaced_deployment(NAMESPACE).metadata.resource_version
        apps.create_namespaced_deployment(NAMESPACE, deployment())
        counts = []
        for event in watch.Watch().stream(
            apps.list_namespaced_deployment, NAMESPACE, resource_version=version, timeout_seconds=30
        ):
            found = event["object"]
            counts.append(found.status.available_replicas or 0)
            if counts[-1] == 2:
                break
        body = {"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "img:2"}]}}}}
        made = apps.patch_namespaced_deployment("web", NAMESPACE, body)
        assert made.spec.template.spec.containers[0].image == "img:2"
        assert made.metadata.generation == 2
        return counts

    counts = await aside(work)
    assert counts[0] == 0
    assert counts == sorted(counts)


async def test_a_watch_goes_on_where_it_was_cut(api: client.ApiClient):
    """The client keeps the last version, bookmarks included, and asks from there."""
    core = client.CoreV1Api(api)

    def make(name: str) -> None:
        core.create_namespaced_config_map(NAMESPACE, {"metadata": {"name": name}})

    def work() -> tuple[list[str], list[str]]:
        watcher = watch.Watch()
        version = core.list_namespaced_config_map(NAMESPACE).metadata.resource_version
        asked = {"resource_version": version, "timeout_seconds": 1, "allow_watch_bookmarks": True}
        make("one")
        listing = core.list_namespaced_config_map
        first = [e["object"].metadata.name for e in watcher.stream(listing, NAMESPACE, **asked)]
        make("two")
        asked["resource_version"] = watcher.resource_version
        second = [e["object"].metadata.name for e in watcher.stream(listing, NAMESPACE, **asked)]
        return first, second

    assert await aside(work) == (["one"], ["two"])


async def test_pages_of_a_list_show_one_moment(api: client.ApiClient):
    """What comes meanwhile is on no page."""
    core = client.CoreV1Api(api)

    def work() -> list[str]:
        for name in "abcde":
            core.create_namespaced_secret(NAMESPACE, {"metadata": {"name": name}})
        page = core.list_namespaced_secret(NAMESPACE, limit=2)
        found = [one.metadata.name for one in page.items]
        core.create_namespaced_secret(NAMESPACE, {"metadata": {"name": "cc"}})
        while page.metadata._continue:
            page = core.list_namespaced_secret(
                NAMESPACE, limit=2, _continue=page.metadata._continue
            )
            found += [one.metadata.name for one in page.items]
        return found

    assert await aside(work) == list("abcde")


async def test_two_managers_apply_one_object(api: client.ApiClient):
    """The dynamic client applies on the server's side; a conflict is 409 and names the owner."""

    def work() -> str:
        kinds = dynamic.DynamicClient(api).resources
        maps = kinds.get(api_version="v1", kind="ConfigMap")

        def body(value: str) -> dict:
            meta = {"name": "shared", "namespace": NAMESPACE}
            return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"a": value}}

        maps.server_side_apply(body=body("1"), field_manager="one")
        with pytest.raises(ApiException) as caught:
            maps.server_side_apply(body=body("2"), field_manager="two")
        maps.server_side_apply(body=body("2"), field_manager="two", force_conflicts=True)
        assert maps.get(name="shared", namespace=NAMESPACE).data.a == "2"
        return str(caught.value.body)

    assert 'conflict with \\"one\\"' in await aside(work)


async def test_candidates_share_a_lease(api: client.ApiClient):
    """Of two that write one version of a Lease, one wins; a stale holder is told so."""
    leases = client.CoordinationV1Api(api)
    won: list[str] = []

    def candidate(name: str, start: threading.Barrier) -> None:
        held = leases.read_namespaced_lease("lock", NAMESPACE)
        held.spec.holder_identity = name
        start.wait()
        with suppress(ConflictException):
            leases.replace_namespaced_lease("lock", NAMESPACE, held)
            won.append(name)

    def work() -> None:
        spec = {"holderIdentity": "nobody", "leaseDurationSeconds": 5}
        leases.create_namespaced_lease(NAMESPACE, {"metadata": {"name": "lock"}, "spec": spec})
        start = threading.Barrier(4)
        names = [f"candidate-{number}" for number in range(4)]
        threads = [threading.Thread(target=candidate, args=(name, start)) for name in names]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    await aside(work)
    assert len(won) == 1
    held = await aside(lambda: leases.read_namespaced_lease("lock", NAMESPACE))
    assert held.spec.holder_identity == won[0]


async def test_the_clients_own_election_finds_one_leader(cluster: Cluster):
    """`kubernetes.leaderelection` with a Lease: one leads, and the next one when it lets go."""
    config.load_kube_config(str(cluster.kubeconfig))
    led: list[str] = []

    def lead(name: str) -> None:
        def leading() -> None:
            led.append(name)

        lock = LeaseLock("election", NAMESPACE, name)
        times = {"lease_duration": 3, "renew_deadline": 2, "retry_period": 1}
        done = electionconfig.Config(
            lock, onstarted_leading=leading, onstopped_leading=None, **times
        )
        election = leaderelection.LeaderElection(done)
        election.acquire()
        leading()
        hang_up(lock.api_instance.api_client)

    async def holder() -> str:
        return (await cluster.get("coordination.k8s.io/v1/Lease", "election"))["spec"][
            "holderIdentity"
        ]

    await aside(lambda: lead("one"))
    assert (led, await holder()) == (["one"], "one")
    began = time.monotonic()
    await aside(lambda: lead("two"))
    assert time.monotonic() - began > 1.0
    assert (led, await holder()) == (["one", "two"], "two")


async def test_a_foreground_deletion_ends_after_the_dependents(api: client.ApiClient):
    """The Deployment is seen going until its ReplicaSets and pods are gone."""
    apps, core = client.AppsV1Api(api), client.CoreV1Api(api)

    def work() -> list[str]:
        apps.create_namespaced_deployment(NAMESPACE, deployment(replicas=1))
        while not core.list_namespaced_pod(NAMESPACE).items:
            time.sleep(0.05)
        apps.delete_namespaced_deployment("web", NAMESPACE, propagation_policy="Foreground")
        while True:
            try:
                left = apps.read_namespaced_deployment("web", NAMESPACE)
            except NotFoundException:
                break
            assert left.metadata.finalizers == ["foregroundDeletion"]
            time.sleep(0.02)
        return [one.metadata.name for one in apps.list_namespaced_replica_set(NAMESPACE).items]

    assert await aside(work) == []


async def test_an_account_may_what_its_role_says(cluster: Cluster, api: client.ApiClient):
    """A token of an account opens what a binding gives, and nothing else."""
    core, rights = client.CoreV1Api(api), client.RbacAuthorizationV1Api(api)

    def work() -> tuple[int, int]:
        core.create_namespaced_service_account(NAMESPACE, {"metadata": {"name": "bot"}})
        reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}
        subject = {"kind": "ServiceAccount", "name": "bot", "namespace": NAMESPACE}
        body = {"metadata": {"name": "bot"}, "roleRef": reference, "subjects": [subject]}
        rights.create_namespaced_role_binding(NAMESPACE, body)
        asked = {"spec": {"expirationSeconds": 600, "audiences": []}}
        answer = core.create_namespaced_service_account_token("bot", NAMESPACE, asked)
        settings = client.Configuration()
        settings.host = api.configuration.host
        settings.ssl_ca_cert = api.configuration.ssl_ca_cert
        settings.api_key = {"authorization": f"Bearer {answer.status.token}"}
        own = client.ApiClient(settings)
        mine = client.CoreV1Api(own)
        pods = len(mine.list_namespaced_pod(NAMESPACE).items)
        with pytest.raises(ApiException) as caught:
            mine.list_namespaced_secret(NAMESPACE)
        hang_up(own)
        return pods, caught.value.status

    assert await aside(work) == (0, 403)
    assert cluster.kubeconfig.exists()
