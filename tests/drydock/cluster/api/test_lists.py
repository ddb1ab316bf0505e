"""Pages, versions and selectors of lists and watches."""

from __future__ import annotations

import base64

import pytest

from drydock.cluster.api import Api
from drydock.cluster.store import Store
from tests.drydock.cluster.api.conftest import Asker

MAPS = "/api/v1/namespaces/default/configmaps"


async def fill(admin: Asker, *names: str) -> None:
    for name in names:
        made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}
        assert (await admin.ask("POST", MAPS, made)).code == 201


def names(answer) -> list[str]:
    return [one["metadata"]["name"] for one in answer.body["items"]]


async def test_pages_show_one_moment(admin: Asker) -> None:
    """What is made between two pages belongs to neither."""
    await fill(admin, "a", "b", "c")
    first = await admin.ask("GET", f"{MAPS}?limit=2")
    assert names(first) == ["a", "b"]
    assert first.body["metadata"]["remainingItemCount"] == 1
    await fill(admin, "bb", "d")
    token = first.body["metadata"]["continue"]
    second = await admin.ask("GET", f"{MAPS}?limit=2&continue={token}")
    assert names(second) == ["c"]
    version = first.body["metadata"]["resourceVersion"]
    assert second.body["metadata"] == {"resourceVersion": version}


async def test_a_forgotten_page_offers_the_rest_of_today() -> None:
    """410 brings a token that goes on with what is there now."""
    store = Store(history=3)
    admin = Asker(Api(store), "admin", "system:masters")
    await fill(admin, "a", "b", "c")
    first = await admin.ask("GET", f"{MAPS}?limit=1")
    await fill(admin, "d", "e", "f", "g")
    token = first.body["metadata"]["continue"]
    gone = await admin.ask("GET", f"{MAPS}?limit=9&continue={token}")
    assert (gone.code, gone.body["reason"]) == (410, "Expired")
    rest = await admin.ask("GET", f"{MAPS}?continue={gone.body['metadata']['continue']}")
    assert names(rest) == ["b", "c", "d", "e", "f", "g"]
    store.close()


def token(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("a!b", "illegal base64 data at input byte 1"),
        ("abcde", "illegal base64 data at input byte 5"),
        (token("nonsense"), "invalid character 'o' in literal null (expecting 'u')"),
        (token('{"v":"x","rv":1,"start":"a"}'), "server does not recognize this encoded version x"),
        (
            token('{"v":"meta.k8s.io/v1","start":"a"}'),
            "incorrect encoded start resourceVersion (version meta.k8s.io/v1)",
        ),
        (
            token('{"v":"meta.k8s.io/v1","rv":1,"start":""}'),
            "encoded start key empty (version meta.k8s.io/v1)",
        ),
        (token('{"v":"meta.k8s.io/v1","rv":1,"start":"../x"}'), "../x"),
    ],
)
async def test_a_broken_token_is_named(admin: Asker, given: str, why: str) -> None:
    """400, and what of it cannot be read."""
    answer = await admin.ask("GET", f"{MAPS}?continue={given}")
    assert answer.code == 400
    assert answer.body["message"] == f"invalid continue token: continue key is not valid: {why}"


@pytest.mark.parametrize(
    ("query", "field", "why"),
    [
        (
            "resourceVersionMatch=Exact",
            "resourceVersionMatch",
            "is forbidden unless resourceVersion",
        ),
        (
            "resourceVersionMatch=Exact&resourceVersion=0",
            "resourceVersionMatch",
            '"exact" is forbidden',
        ),
        (
            "resourceVersionMatch=Some&resourceVersion=5",
            "resourceVersionMatch",
            '"NotOlderThan", ""',
        ),
        ("sendInitialEvents=true", "sendInitialEvents", "is forbidden for list"),
        (
            "watch=1&resourceVersionMatch=NotOlderThan",
            "resourceVersionMatch",
            "unless sendInitialEvents",
        ),
        ("watch=1&sendInitialEvents=true", "resourceVersionMatch", "requires setting"),
    ],
)
async def test_options_that_contradict_each_other(
    admin: Asker, query: str, field: str, why: str
) -> None:
    """422 with the field as cause."""
    answer = await admin.ask("GET", f"{MAPS}?{query}")
    assert answer.code == 422
    causes = answer.body["details"]["causes"]
    assert (causes[0]["field"], why in causes[0]["message"]) == (field, True)


async def test_a_list_at_an_exact_version_is_the_past(admin: Asker) -> None:
    """Later objects are not in it, deleted ones are."""
    await fill(admin, "a", "b")
    version = (await admin.ask("GET", MAPS)).body["metadata"]["resourceVersion"]
    await admin.ask("DELETE", f"{MAPS}/a")
    await fill(admin, "c")
    query = f"resourceVersion={version}&resourceVersionMatch=Exact"
    assert names(await admin.ask("GET", f"{MAPS}?{query}")) == ["a", "b"]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/api/v1/pods", "field label not supported: spec.x"),
        ("/apis/batch/v1/jobs", 'field label "spec.x" not supported for batchv1.Job'),
        (
            "/apis/apps/v1/deployments",
            '"spec.x" is not a known field selector: only "metadata.name", "metadata.namespace"',
        ),
    ],
)
async def test_unknown_field_labels(admin: Asker, path: str, message: str) -> None:
    """Each kind has its own words for it."""
    answer = await admin.ask("GET", f"{path}?fieldSelector=spec.x=1")
    assert (answer.code, answer.body["message"]) == (400, message)
