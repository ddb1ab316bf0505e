"""Service rules and names."""

from __future__ import annotations

import struct
from typing import ClassVar

import pytest

from drydock.cluster.controllers.endpoints import called_endpoints, ready_endpoints
from drydock.cluster.names import Found, NameServer, question
from drydock.cluster.proxy import dnat, ruleset


def test_only_ready_endpoints_of_the_port_are_used():
    """Slices name several ports; those that are not ready are left out."""

    def endpoint(address: str, *, ready: bool) -> dict:
        return {"addresses": [address], "conditions": {"ready": ready}}

    slices = [
        {
            "ports": [{"name": "http", "port": 8080}, {"name": "metrics", "port": 9090}],
            "endpoints": [endpoint("10.88.0.3", ready=True), endpoint("10.88.0.2", ready=False)],
        },
        {
            "ports": [{"name": "http", "port": 8081}],
            "endpoints": [endpoint("10.88.0.4", ready=True)],
        },
        {"ports": None, "endpoints": []},
    ]
    assert ready_endpoints(slices, "http") == [("10.88.0.3", 8080), ("10.88.0.4", 8081)]
    assert ready_endpoints(slices, "metrics") == [("10.88.0.3", 9090)]


def test_a_service_without_endpoints_has_no_rule():
    """It is refused by the chain for the whole range."""
    port = {"port": 80, "protocol": "TCP"}
    assert dnat("10.96.0.9", port, []) == ""
    one = dnat("10.96.0.9", port, [("10.88.0.2", 8080)])
    assert one == "ip daddr 10.96.0.9 tcp dport 80 dnat to 10.88.0.2:8080"
    two = dnat("10.96.0.9", port, [("10.88.0.2", 8080), ("10.88.0.3", 8080)])
    assert "numgen random mod 2 map { 0 : 10.88.0.2 . 8080, 1 : 10.88.0.3 . 8080 }" in two
    assert "reject with tcp reset" in ruleset([one], pods="10.88.0.0/16")


def test_a_sticky_service_chooses_by_the_caller():
    """`sessionAffinity: ClientIP`; the choice is the same for every connection of one address."""
    targets = [("10.88.0.2", 8080), ("10.88.0.3", 8080)]
    rule = dnat("10.96.0.9", {"port": 80}, targets, sticky=True)
    assert "dnat to jhash ip saddr mod 2 map" in rule


def test_only_a_pod_that_calls_itself_is_hidden_behind_the_bridge():
    """All others keep their address, by which network policies know them."""
    text = ruleset([], pods="10.88.0.0/16", called=["10.88.0.2"])
    assert "ip saddr . ip daddr { 10.88.0.2 . 10.88.0.2 } masquerade" in text
    assert "ip saddr != 10.88.0.0/16 masquerade" in text


def test_the_last_pods_of_a_service_serve_to_their_end():
    """Without a ready endpoint, those that are going and still serve are called."""

    def endpoint(address: str, **told: bool) -> dict:
        return {"addresses": [address], "conditions": told}

    going = endpoint("10.88.0.2", ready=False, serving=True, terminating=True)
    broken = endpoint("10.88.0.3", ready=False, serving=False, terminating=True)
    fresh = endpoint("10.88.0.4", ready=True, serving=True, terminating=False)
    unready = endpoint("10.88.0.5", ready=False, serving=False, terminating=False)
    ports = [{"name": "", "port": 80}]
    slices = [{"ports": ports, "endpoints": [going, broken, unready]}]
    assert called_endpoints(slices, "") == [("10.88.0.2", 80)]
    slices.append({"ports": ports, "endpoints": [fresh]})
    assert called_endpoints(slices, "") == [("10.88.0.4", 80)]


def packet(name: str, kind: int = 1) -> bytes:
    head = struct.pack("!6H", 7, 0x0100, 1, 0, 0, 0)
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    return head + labels + b"\0" + struct.pack("!HH", kind, 1)


class TestNames:
    """The name server, asked in process."""

    known: ClassVar = {
        "web.shop": Found(("10.96.0.9",)),
        "pods.shop": Found(("10.88.0.2", "10.88.0.3")),
        "far.shop": Found(alias="example.org"),
    }

    def ask(self, name: str, kind: int = 1) -> tuple[int, list[bytes]] | None:
        server = NameServer(None, self.known.get, address="")
        reply = server.answer(packet(name, kind))
        if reply is None:
            return None
        number, flags, _, count, _, _ = struct.unpack_from("!6H", reply)
        assert number == 7
        assert flags & 0x8000
        at = question(packet(name, kind))[2]
        found = []
        for _ in range(count):
            size = struct.unpack_from("!H", reply, at + 10)[0]
            found.append(reply[at + 12 : at + 12 + size])
            at += 12 + size
        return flags & 0xF, found

    def test_a_service_has_its_cluster_address(self):
        """Names are read in any case."""
        wanted = (0, [bytes([10, 96, 0, 9])])
        assert self.ask("web.shop.svc.cluster.local") == wanted
        assert self.ask("WEB.shop.svc.cluster.local") == wanted

    def test_a_headless_service_has_its_pods_addresses(self):
        """All of them."""
        assert self.ask("pods.shop.svc.cluster.local") == (
            0,
            [bytes([10, 88, 0, 2]), bytes([10, 88, 0, 3])],
        )

    def test_a_known_name_without_such_a_record_is_no_error(self):
        """AAAA of a Service: an empty answer, so that resolvers go on with A."""
        assert self.ask("web.shop.svc.cluster.local", kind=28) == (0, [])

    def test_an_unknown_name_of_the_zone_does_not_exist(self):
        """The resolver then tries its next search domain at once."""
        assert self.ask("no.shop.svc.cluster.local") == (3, [])
        assert self.ask("example.org.svc.cluster.local") == (3, [])
        assert self.ask("web.cluster.local") == (3, [])

    def test_an_external_name_is_an_alias(self):
        """The answer is the other name."""
        code, (name,) = self.ask("far.shop.svc.cluster.local")
        assert (code, name) == (0, b"\x07example\x03org\x00")

    def test_other_zones_are_not_answered_here(self):
        """They are passed on."""
        assert self.ask("example.org") is None

    @pytest.mark.parametrize("broken", [b"", b"\0" * 12, packet("a.b")[:-3], packet("a.b")[:14]])
    def test_a_broken_question_is_refused(self, broken):
        """Nothing that arrives can upset the server."""
        with pytest.raises(ValueError, match=r"."):
            question(broken)
