"""Annotations: what is known is read, what cannot be read keeps ingress-nginx's default."""

from __future__ import annotations

import pytest

from drydock.cluster.ingress.options import Options, read_options
from tests.drydock.cluster.ingress.objects import ingress


def test_an_ingress_without_annotations_has_the_defaults_of_ingress_nginx():
    """5 s to connect, 60 s between two reads, 1 MiB of body."""
    usual = Options(connect_seconds=5, read_seconds=60, body_bytes=1048576)
    assert read_options({"metadata": {}}) == usual
    assert read_options(ingress("x", whitelist_source_range="10.0.0.0/8")) == usual


@pytest.mark.parametrize(
    ("annotation", "value", "field", "read"),
    [
        ("use_regex", "true", "use_regex", True),
        ("use_regex", "yes", "use_regex", False),
        ("rewrite_target", "/$2", "rewrite_target", "/$2"),
        ("proxy_read_timeout", "3600", "read_seconds", 3600.0),
        ("proxy_read_timeout", "60s", "read_seconds", 60.0),
        ("proxy_read_timeout", "-1", "read_seconds", 60.0),
        ("proxy_connect_timeout", "1", "connect_seconds", 1.0),
        ("proxy_body_size", "8m", "body_bytes", 8 << 20),
        ("proxy_body_size", "64K", "body_bytes", 64 << 10),
        ("proxy_body_size", "0", "body_bytes", 0),
        ("proxy_body_size", "much", "body_bytes", 1 << 20),
    ],
)
def test_an_annotation_is_read(annotation, value, field, read):
    """Or ignored, when it makes no sense."""
    assert getattr(read_options(ingress("x", **{annotation: value})), field) == read
