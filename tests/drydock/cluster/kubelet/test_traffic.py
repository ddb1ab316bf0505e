"""Service addresses, names, and the way in, with real pods."""

from __future__ import annotations

import asyncio
from collections import Counter

import aiohttp
import pytest

from tests.drydock.cluster.kubelet.conftest import Machine

pytestmark = pytest.mark.root

SERVER = (
    "echo $VERSION > /tmp/index.html; httpd -f -p 8080 -h /tmp &"
    " trap 'kill $!; exit 0' TERM; wait"
)


def web(machine: Machine, version: str, replicas: int = 3) -> dict:
    container = {
        "name": "a",
        "image": machine.image,
        "command": ["sh", "-c", f"mkdir -p /tmp; {SERVER}"],
        "env": [{"name": "VERSION", "value": version}],
        "ports": [{"name": "http", "containerPort": 8080}],
        "readinessProbe": {"httpGet": {"path": "/", "port": "http"}, "periodSeconds": 1},
    }
    labels = {"app": "web"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


def service(name: str, app: str, **spec: object) -> dict:
    ports = [{"name": "http", "port": 80, "targetPort": "http"}]
    body = {"selector": {"app": app}, "ports": ports, **spec}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": body}


def ingress(**paths: str) -> dict:
    rows = [
        {
            "path": "/" + path.strip("_"),
            "pathType": "Prefix",
            "backend": {"service": {"name": name, "port": {"name": "http"}}},
        }
        for path, name in paths.items()
    ]
    rules = [{"host": "shop.local", "http": {"paths": rows}}]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "shop"},
        "spec": {"ingressClassName": "nginx", "rules": rules},
    }


class Visitor:
    """Asks through the ingress."""

    def __init__(self, machine: Machine, session: aiohttp.ClientSession) -> None:
        self._base = f"http://127.0.0.1:{machine.ingress_port}"
        self._session = session
        self.seen: Counter[tuple[int, str]] = Counter()

    async def get(self, path: str = "/", host: str = "shop.local") -> tuple[int, str]:
        async with self._session.get(self._base + path, headers={"Host": host}) as answer:
            return answer.status, (await answer.text()).strip()

    async def load(self) -> None:
        while True:
            self.seen[await self.get()] += 1
            await asyncio.sleep(0.002)


async def test_a_service_spreads_over_ready_pods_and_has_its_names(machine: Machine):
    """By address and by every form of its name, from inside a pod."""
    await machine.create(service("web", "web"))
    await machine.create(service("bare", "web", clusterIP="None"))
    await machine.create(web(machine, "one", replicas=2))
    await machine.create(machine.pod({"command": ["sleep", "1000"]}))
    await machine.rolled_out("web")
    await machine.state(lambda one: one["ready"])
    address = (await machine.get("v1/Service", "web"))["spec"]["clusterIP"]
    names = ("web", "web.room", "web.room.svc", "web.room.svc.cluster.local", address)
    for name in names:

        async def answers(name: str = name) -> bool:
            return await machine.sh(f"timeout 5 wget -q -O - http://{name}/") == (0, "one\n")

        await machine.until(answers)
    _, text = await machine.sh("nslookup bare.room.svc.cluster.local")
    pods = [pod for pod in await machine.all("v1/Pod") if pod["metadata"]["name"] != "p"]
    assert all(pod["status"]["podIP"] in text for pod in pods)
    backends = set()
    for _ in range(30):
        _, out = await machine.sh(f"timeout 5 wget -S -O /dev/null http://{address}/ 2>&1")
        backends.add("200" in out)
    assert backends == {True}


async def test_a_service_without_ready_pods_refuses_at_once(machine: Machine):
    """Nobody waits for a time-out."""
    await machine.create(service("empty", "nobody"))
    await machine.create(machine.pod({"command": ["sleep", "1000"]}))
    await machine.state(lambda one: one["ready"])
    address = (await machine.get("v1/Service", "empty"))["spec"]["clusterIP"]

    async def refused() -> bool:
        code, out = await machine.sh(f"timeout 5 nc -w 4 {address} 80 < /dev/null 2>&1")
        return code == 1 and "refused" in out

    await machine.until(refused)


async def test_the_ingress_follows_its_rules(machine: Machine):
    """404 without a rule, 503 without a ready pod, else the pod's answer."""
    await machine.create(service("web", "web"))
    await machine.create(service("empty", "nobody"))
    await machine.create(ingress(_="web", empty="empty"))
    await machine.create(web(machine, "one", replicas=1))
    await machine.rolled_out("web")
    async with aiohttp.ClientSession() as session:
        visitor = Visitor(machine, session)

        async def serves() -> bool:
            return await visitor.get() == (200, "one")

        await machine.until(serves)
        assert (await visitor.get("/empty"))[0] == 503
        assert (await visitor.get(host="other"))[0] == 404

    async def announced() -> bool:
        status = (await machine.get("networking.k8s.io/v1/Ingress", "shop"))["status"]
        return status["loadBalancer"]["ingress"][0]["ip"] == "127.0.0.1"

    await machine.until(announced)


async def test_no_request_fails_during_a_rolling_update(machine: Machine):
    """Two updates under load: every answer is 200, and every version is seen."""
    await machine.create(service("web", "web"))
    await machine.create(ingress(_="web"))
    await machine.create(web(machine, "one"))
    await machine.rolled_out("web")
    async with aiohttp.ClientSession() as session:
        visitor = Visitor(machine, session)

        async def serves() -> bool:
            return await visitor.get() == (200, "one")

        await machine.until(serves)
        visitors = [asyncio.create_task(visitor.load()) for _ in range(3)]
        for version in ("two", "three"):
            env = [{"name": "VERSION", "value": version}]
            body = {"spec": {"containers": [{"name": "a", "env": env}]}}
            await machine.patch(
                "apps/v1/Deployment",
                "web",
                {"spec": {"template": body}},
                type="application/strategic-merge-patch+json",
            )
            await machine.rolled_out("web")

            async def answered(version: str = version) -> bool:
                return visitor.seen[200, version] > 20

            await machine.until(answered)
        for task in visitors:
            task.cancel()
        await asyncio.gather(*visitors, return_exceptions=True)
    assert {code for code, _ in visitor.seen} == {200}, visitor.seen
    assert {text for _, text in visitor.seen} == {"one", "two", "three"}
