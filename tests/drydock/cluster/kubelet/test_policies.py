"""Network policies between real pods: who reaches whom, and who is never cut off."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest
import yaml

from drydock.cluster.errors import Obj
from tests.drydock.cluster.kubelet.conftest import NAMESPACE, Machine
from tests.drydock.cluster.kubelet.test_traffic import Visitor, ingress, service, web

pytestmark = pytest.mark.root

MANIFESTS = Path(__file__).parents[4] / "manifests" / "components" / "network-policies"
SERVICES = ("backend", "frontend", "sample-app", "sample2-app")
NETPOL = "networking.k8s.io/v1/NetworkPolicy"


def policy(name: str, selector: Obj, **spec: object) -> Obj:
    body = {"podSelector": selector, **spec}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name},
        "spec": body,
    }


def app(name: str) -> Obj:
    return {"matchLabels": {"app": name}}


async def client(machine: Machine, name: str, **labels: str) -> None:
    """Run a pod that calls others."""
    pod = machine.pod({"command": ["sleep", "1000"]}, name=name)
    pod["metadata"]["labels"] |= labels
    await machine.create(pod)
    await machine.state(lambda one: one["ready"], name)


async def reaches(machine: Machine, caller: str, target: str, port: int = 80) -> bool:
    """Connect from a pod; what is stopped answers nothing at all."""
    code, _ = await machine.sh(f"timeout 2 wget -q -O - http://{target}:{port}/", caller)
    return code == 0


async def address_of(machine: Machine, label: str) -> str:
    pods = await machine.all("v1/Pod")
    found = [one for one in pods if one["metadata"]["labels"]["app"] == label]
    return str(found[0]["status"]["podIP"])


async def test_only_friends_reach_an_isolated_pod(machine: Machine):
    """By its address and through its Service alike; the kubelet's probes always do."""
    await machine.create(service("web", "web"))
    await machine.create(ingress(_="web"))
    rule = {"from": [{"podSelector": app("friend")}], "ports": [{"port": "http"}]}
    await machine.create(policy("web", app("web"), ingress=[rule]))
    await machine.create(web(machine, "one", replicas=1))
    await machine.rolled_out("web")
    await client(machine, "friend")
    await client(machine, "stranger")
    direct = await address_of(machine, "web")
    assert await reaches(machine, "friend", direct, 8080)
    assert await reaches(machine, "friend", "web")
    assert not await reaches(machine, "stranger", direct, 8080)
    assert not await reaches(machine, "stranger", "web")
    async with aiohttp.ClientSession() as session:
        with pytest.raises(asyncio.TimeoutError):
            async with asyncio.timeout(1):
                await Visitor(machine, session).get()
        open_it = {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress-nginx"}}
        }
        rule["from"].append(open_it)
        await machine.patch(NETPOL, "web", {"spec": {"ingress": [rule]}})

        async def serves() -> bool:
            with suppress(TimeoutError):
                async with asyncio.timeout(1):
                    return await Visitor(machine, session).get() == (200, "one")
            return False

        await machine.until(serves)
    deployment = await machine.get("apps/v1/Deployment", "web")
    assert deployment["status"]["readyReplicas"] == 1


async def test_a_label_is_enough_to_be_let_in(machine: Machine):
    """Rules follow pods that change, and policies that go."""
    await machine.create(service("web", "web"))
    rule = {"from": [{"podSelector": {"matchLabels": {"role": "caller"}}}]}
    await machine.create(policy("web", app("web"), ingress=[rule]))
    await machine.create(web(machine, "one", replicas=1))
    await machine.rolled_out("web")
    await client(machine, "p")
    assert not await reaches(machine, "p", "web")
    await machine.patch("v1/Pod", "p", {"metadata": {"labels": {"role": "caller"}}})
    await machine.until(lambda: reaches(machine, "p", "web"))
    await machine.patch("v1/Pod", "p", {"metadata": {"labels": {"role": None}}})

    async def shut() -> bool:
        return not await reaches(machine, "p", "web")

    await machine.until(shut)
    await machine.delete(NETPOL, "web")
    await machine.until(lambda: reaches(machine, "p", "web"))


async def test_egress_is_judged_too(machine: Machine):
    """Names are asked only with leave, and so is every other pod called."""
    await machine.create(service("web", "web"))
    await machine.create(web(machine, "one", replicas=1))
    await machine.rolled_out("web")
    deny = policy("deny", app("p"), policyTypes=["Egress"])
    await machine.create(deny)
    await client(machine, "p")
    direct = await address_of(machine, "web")
    code, _ = await machine.sh("timeout 2 nslookup web.room.svc.cluster.local")
    assert code != 0
    assert not await reaches(machine, "p", direct, 8080)
    names = {
        "to": [
            {
                "namespaceSelector": {},
                "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
            }
        ],
        "ports": [{"protocol": "UDP", "port": 53}],
    }
    await machine.patch(NETPOL, "deny", {"spec": {"egress": [names]}})

    async def named() -> bool:
        return (await machine.sh("timeout 2 nslookup web.room.svc.cluster.local"))[0] == 0

    await machine.until(named)
    assert not await reaches(machine, "p", "web")
    block = {"ipBlock": {"cidr": "10.88.0.0/16", "except": ["10.88.255.0/24"]}}
    rules = [names, {"to": [block], "ports": [{"port": 8080}]}]
    await machine.patch(NETPOL, "deny", {"spec": {"egress": rules}})
    await machine.until(lambda: reaches(machine, "p", "web"))


async def test_allowed_requests_never_fail_while_everything_changes(machine: Machine):
    """Pods are replaced and policies come and go under load."""
    await machine.create(service("web", "web"))
    await machine.create(ingress(_="web"))
    allowed = {"from": [{"namespaceSelector": {}}], "ports": [{"port": "http"}]}
    await machine.create(policy("web", app("web"), ingress=[allowed]))
    await machine.create(web(machine, "one", replicas=2))
    await machine.rolled_out("web")
    async with aiohttp.ClientSession() as session:
        visitor = Visitor(machine, session)

        async def serves() -> bool:
            return await visitor.get() == (200, "one")

        await machine.until(serves)
        visitors = [asyncio.create_task(visitor.load()) for _ in range(2)]
        env = [{"name": "VERSION", "value": "two"}]
        body = {"spec": {"template": {"spec": {"containers": [{"name": "a", "env": env}]}}}}
        kind = "application/strategic-merge-patch+json"
        await machine.patch("apps/v1/Deployment", "web", body, type=kind)
        for number in range(10):
            await machine.create(policy(f"more-{number}", {}, ingress=[allowed]))
            await asyncio.sleep(0.1)
            await machine.delete(NETPOL, f"more-{number}")
        await machine.rolled_out("web")

        async def answered() -> bool:
            return visitor.seen[200, "two"] > 20

        await machine.until(answered)
        for task in visitors:
            task.cancel()
        await asyncio.gather(*visitors, return_exceptions=True)
    assert {code for code, _ in visitor.seen} == {200}, visitor.seen


async def test_the_projects_own_policies_let_its_flows_pass(machine: Machine):
    """Every service from the ingress, the backend from the frontend, names; and nothing else."""
    for path in sorted(MANIFESTS.glob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text()):
            if document["kind"] == "NetworkPolicy":
                await machine.create(document)
    for name in SERVICES:
        deployment = web(machine, name, replicas=1)
        labels = {"app.kubernetes.io/name": name, "app": name}
        deployment["metadata"]["name"] = name
        deployment["spec"]["selector"]["matchLabels"] = labels
        deployment["spec"]["template"]["metadata"]["labels"] = labels
        await machine.create(deployment)
        await machine.create(service(name, name))
    for name in SERVICES:
        await machine.rolled_out(name)
    entry = ingress(_="frontend")
    (first,) = entry["spec"]["rules"]
    rules = []
    for name in SERVICES:
        backend = {"service": {"name": name, "port": {"name": "http"}}}
        path = {**first["http"]["paths"][0], "backend": backend}
        rules.append({"host": f"{name}.local", "http": {"paths": [path]}})
    entry["spec"]["rules"] = rules
    await machine.create(entry)
    frontend = next(
        one["metadata"]["name"]
        for one in await machine.all("v1/Pod")
        if one["metadata"]["labels"]["app"] == "frontend"
    )
    assert await reaches(machine, frontend, "backend")
    assert not await reaches(machine, frontend, "sample-app")
    async with aiohttp.ClientSession() as session:
        visitor = Visitor(machine, session)
        for name in SERVICES:

            async def serves(name: str = name) -> bool:
                return await visitor.get(host=f"{name}.local") == (200, name)

            await machine.until(serves)
    # The API server's way to a pod is the node's own.
    reader, writer = await machine.kubelet.port_forward(NAMESPACE, frontend, 8080)
    writer.write(b"GET / HTTP/1.0\r\n\r\n")
    assert b"200" in await reader.readline()
    writer.close()
