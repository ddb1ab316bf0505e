"""Which services a change belongs to."""

import pytest

from pipelines.stages.changes import UnknownRevisionError, affected
from tests.pipelines.examples import service

SHOP, SHOP2, CART = service("shop"), service("shop2"), service("cart")
ALL = [SHOP, SHOP2, CART]


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("services/shop/app.py", ["shop"]),
        ("services/shop/deep/er/app.py", ["shop"]),
        ("services/shop/deploy \\303\\251.py", ["shop"]),
        ("manifests/apps/shop/deployment.yaml", ["shop"]),
        ("services/shop2/app.py", ["shop2"]),
        ("manifests/apps/shop2/deployment.yaml", ["shop2"]),
        ("services/shop", []),
        ("services/sho", []),
        ("docs/services/shop/app.py", []),
        ("manifests/apps/other/deployment.yaml", []),
    ],
)
def test_a_file_belongs_to_the_service_whose_folder_it_is_in(path: str, names: list[str]) -> None:
    assert [each.name for each in affected(ALL, [path])] == names


def test_what_is_not_in_ascii_belongs_to_its_service_too() -> None:
    """Git puts such names into quotation marks."""
    assert affected(ALL, ['"services/shop/\\303\\251.py"']) == [SHOP]


@pytest.mark.parametrize(
    "path",
    [
        "manifests/environments/near/kustomization.yaml",
        "manifests/components/quota/limit-range.yaml",
    ],
)
def test_what_all_services_share_is_a_change_of_all(path: str) -> None:
    assert affected(ALL, [path]) == ALL


def test_affected_services_keep_their_order_and_come_once() -> None:
    paths = ["services/cart/a", "services/shop/b", "services/shop/a", "manifests/apps/shop/a"]
    assert affected(ALL, paths) == [SHOP, CART]


def test_nothing_changed_affects_nobody() -> None:
    assert affected(ALL, []) == []


def test_an_unknown_revision_is_told_with_the_way_to_get_it() -> None:
    told = str(UnknownRevisionError("origin/main"))
    assert told.startswith("unknown revision 'origin/main'")
    assert "fetch-depth: 0" in told
    assert "--since=origin/main" in told
