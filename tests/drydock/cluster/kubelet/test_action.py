"""What a failed probe says."""

from __future__ import annotations

import asyncio

import pytest

from drydock.cluster.kubelet.action import ActionError, perform
from tests.drydock.cluster.kubelet.conftest import free_port


class Here:
    """A container whose network is this machine's."""

    address = "127.0.0.1"
    spec: dict = {}  # noqa: RUF012 - nothing changes it

    async def connect(self, host: str, port: int):
        return await asyncio.open_connection(host, port)


@pytest.mark.parametrize(
    ("probe", "text"),
    [
        ({"httpGet": {"port": 0, "path": "/x"}}, 'Get "http://127.0.0.1:{0}/x": {1}'),
        ({"tcpSocket": {"port": 0}}, "{1}"),
    ],
)
async def test_a_closed_port_is_told_in_the_kubelets_words(probe, text):
    """The text ends with the system's own words, without traces of the event loop."""
    port = free_port()
    for action in probe.values():
        action["port"] = port
    refused = f"dial tcp 127.0.0.1:{port}: connect: connection refused"
    with pytest.raises(ActionError) as caught:
        await perform(probe, Here(), timeout=5)
    assert str(caught.value) == text.format(port, refused)
