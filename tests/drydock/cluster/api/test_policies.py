"""What a NetworkPolicy may say."""

from __future__ import annotations

import pytest

from drydock.cluster.errors import Obj
from tests.drydock.cluster.api.conftest import Asker

PATH = "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies"


def policy(**spec: object) -> Obj:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "p"},
        "spec": {"podSelector": {}, **spec},
    }


@pytest.mark.parametrize("cidr", ["10.0.0.0/255.0.0.0", "10.0.0.0/0.255.255.255", "10.0.0.0/", "x"])
async def test_a_block_has_a_length_in_bits(admin: Asker, cidr: str) -> None:
    """A mask means a length to old tools alone."""
    block = {"ipBlock": {"cidr": cidr}}
    answer = await admin.ask("POST", PATH, policy(ingress=[{"from": [block]}]))
    (cause,) = answer.body["details"]["causes"]
    assert (answer.code, cause["field"]) == (422, "spec.ingress[0].from[0].ipBlock.cidr")
    block["ipBlock"]["cidr"] = "10.0.0.0/8"
    assert (await admin.ask("POST", PATH, policy(ingress=[{"from": [block]}]))).code == 201


async def test_there_are_two_directions(admin: Asker) -> None:
    """Three are too many, whatever they are."""
    kinds = ["Ingress", "Egress", "Both"]
    answer = await admin.ask("POST", PATH, policy(policyTypes=kinds))
    (cause,) = answer.body["details"]["causes"]
    assert cause["field"] == "spec.policyTypes"
    assert cause["message"].endswith("may not specify more than two policyTypes")
