"""Secrets that programs let slip into logs are not shown; what explains a failure is."""

import pytest

from delivery.censor import censored
from delivery.evidence import collect
from tests.delivery.bluegreen.shop import NAME, Shop
from tests.delivery.memory.world import NS

# Put together here, so that nobody who looks for secrets in the repository finds these.
TOKEN = "eyJ" + "hbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0In0" + ".c2lnbmF0dXJl"
KEY = "-----BEGIN RSA PRIVATE" + " KEY-----\nMIIabc\n-----END RSA PRIVATE" + " KEY-----"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("password=hunter2 user=ann", "password=[hidden] user=ann"),
        ('{"db_password": "hunter2", "a": 1}', '{"db_password": "[hidden]", "a": 1}'),
        ("API_KEY: abcdef", "API_KEY: [hidden]"),
        ("GET /x?access_token=abcd&y=1", "GET /x?access_token=[hidden]&y=1"),
        ("Authorization: Bearer abcdefghijkl", "Authorization: Bearer [hidden]"),
        ("postgres://shop:hunter2@db:5432/x", "postgres://shop:[hidden]@db:5432/x"),
        (f"got {TOKEN} today", "got [hidden] today"),
        (f"key {KEY} end", "key [hidden] end"),
        ("AKIA" + "ABCDEFGHIJKLMNOP", "[hidden]"),
        ("ghp_" + "a" * 36, "[hidden]"),
    ],
)
def test_a_secret_is_hidden(text: str, wanted: str) -> None:
    assert censored(text) == wanted
    assert censored(wanted) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "secretName: database",
        "automountServiceAccountToken: false",
        'Error: secret "database" not found',
        "the token has expired: ask for another",
        "pull secret ghcr is missing: kubectl create secret docker-registry ghcr",
        "/var/run/secrets/kubernetes.io/serviceaccount from kube-api-access (ro)",
        "ERROR 10:32:01 connection to db:5432 refused",
        "http://shop:80/health",
    ],
)
def test_what_explains_a_failure_stays(text: str) -> None:
    assert censored(text) == text


def test_evidence_is_shown_without_secrets(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shop = Shop()
    shop.plain("one")
    monkeypatch.setattr(
        shop.cluster, "kubectl", lambda *_args: "cannot log in: password=hunter2, giving up"
    )
    collect(shop.cluster, NS, NAME)
    told = capsys.readouterr().err
    assert "password=[hidden], giving up" in told
    assert "hunter2" not in told
