"""The happy path: ship, ship again, change one line, two at once."""

from __future__ import annotations

import json
import re

import pytest

from tests.e2e.conftest import Shipped, stranger
from tests.e2e.plants import SERVICES

pytestmark = [pytest.mark.e2e, pytest.mark.root, pytest.mark.timeout(900)]
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def deployed_image(shipped: Shipped) -> str:
    done = shipped.kubectl("-n", "shipyard-local", "get", "deployment", "backend", "-o", "json")
    assert done.code == 0, done.text
    containers = json.loads(done.stdout)["spec"]["template"]["spec"]["containers"]
    image: str = containers[0]["image"]
    return image


def test_a_booted_machine_ships_the_backend(shipped: Shipped) -> None:
    assert shipped.first.code == 0, shipped.first.text
    assert shipped.place.get("/api/health")[0] == 200


def test_the_deployed_image_is_named_by_digest(shipped: Shipped) -> None:
    assert DIGEST.search(deployed_image(shipped))


def test_the_same_commit_from_empty_caches_is_the_same_image(shipped: Shipped) -> None:
    published = dict(re.findall(r"shipyard/([a-z0-9-]+)@(sha256:[0-9a-f]{64})", shipped.first.text))
    assert set(published) == set(SERVICES), shipped.first.text
    with stranger() as other:
        layouts = other.root / "layouts"
        repository = other.copy("repository")
        built = other.run(shipped.drydock, "call", "build", "-o", str(layouts), cwd=repository)
        assert built.code == 0, built.text[-6000:]
        for service, digest in published.items():
            index = json.loads((layouts / service / "index.json").read_text())
            assert index["manifests"][0]["digest"] == digest, service


def test_nothing_changed_nothing_rolled_out(shipped: Shipped) -> None:
    before = shipped.kubectl("-n", "shipyard-local", "get", "pods", "-o", "name").stdout
    again = shipped.call("ship", "--env=local")
    assert again.code == 0, again.text
    assert sorted(before.split()) == sorted(
        shipped.kubectl("-n", "shipyard-local", "get", "pods", "-o", "name").stdout.split()
    )


def test_one_changed_line_reaches_the_cluster(shipped: Shipped) -> None:
    before = deployed_image(shipped)
    copy = shipped.variant("changed")
    changed = 0
    for code in (copy / "services" / "backend" / "app").rglob("*.py"):
        text = code.read_text()
        changed += '"healthy"' in text
        code.write_text(text.replace('"healthy"', '"very healthy"'))
    assert changed
    done = shipped.call("ship", "--env=local", cwd=copy)
    assert done.code == 0, done.text
    assert "very healthy" in shipped.place.get("/api/health")[1]
    assert deployed_image(shipped) != before


def test_two_ships_at_once_are_both_right(shipped: Shipped) -> None:
    first, second = (shipped.variant(name) for name in ("left", "right"))
    processes = [
        shipped.place.start(shipped.drydock, "call", "ship", "--env=local", cwd=copy)
        for copy in (first, second)
    ]
    for process in processes:
        done = process.finish()
        assert done.code == 0, done.text
    assert shipped.place.get("/api/health")[0] == 200
