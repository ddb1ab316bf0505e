"""The catalogue: what one may ask for by name, and which services may need each other."""

import pytest

from pipelines.catalog import Catalog, DocumentError, NotShippedError, UnknownNameError
from pipelines.catalog.catalog import check_references
from tests.pipelines.examples import catalog, environment, service

SHOP, CART, STOCK = service("shop"), service("cart"), service("stock")
NEAR = environment("shop", "cart")


@pytest.fixture
def known() -> Catalog:
    """Give three services, two of them in an environment."""
    return catalog(SHOP, CART, STOCK, environments=(NEAR,))


def test_unknown_names_list_the_known_ones(known: Catalog) -> None:
    with pytest.raises(UnknownNameError, match=r"unknown environment 'far'\. Known: near$"):
        known.environment("far")
    with pytest.raises(
        UnknownNameError, match=r"unknown service 'api'\. Known: cart, shop, stock$"
    ):
        known.select(["shop", "api"])


def test_all_services_come_in_order_of_name(known: Catalog) -> None:
    assert known.select(()) == (CART, SHOP, STOCK)
    assert known.select() == (CART, SHOP, STOCK)


def test_named_services_come_once_and_in_order_of_name(known: Catalog) -> None:
    assert known.select(("stock", "cart", "stock")) == (CART, STOCK)


def test_an_empty_repository_is_told_so() -> None:
    with pytest.raises(UnknownNameError, match=r"none \(there is no services/\*/service.yaml\)"):
        Catalog({}, {}).select()
    with pytest.raises(UnknownNameError, match=r"no manifests/environments/\*/environment.yaml"):
        Catalog({}, {}).environment("near")


def test_a_service_needs_others_near_and_far_and_each_once() -> None:
    made = catalog(
        service("a", dependencies=["b", "c"]),
        service("b", dependencies=["d"]),
        service("c", dependencies=["d"]),
        service("d"),
    )
    assert made.needed("a") == ("b", "c", "d")
    assert made.needed("d") == ()


def test_an_environment_ships_what_it_lists_in_its_order(known: Catalog) -> None:
    assert known.shipped(NEAR) == (SHOP, CART)
    assert known.shipped(NEAR, ["cart"]) == (CART,)
    assert known.shipped(NEAR, ["cart", "shop"]) == (SHOP, CART)


def test_a_service_that_an_environment_does_not_run_is_not_shipped_there(known: Catalog) -> None:
    with pytest.raises(NotShippedError) as caught:
        known.shipped(NEAR, ["stock"])
    assert str(caught.value) == (
        "environment 'near' does not run 'stock'. It runs: shop, cart. To add it: `services` in"
        " manifests/environments/near/environment.yaml and `resources` in"
        " manifests/environments/near/kustomization.yaml"
    )
    with pytest.raises(UnknownNameError, match="unknown service 'api'"):
        known.shipped(NEAR, ["api"])


def test_good_references_are_not_spoken_of(known: Catalog) -> None:
    check_references(known)
    check_references(catalog(service("a", dependencies=["b", "c"]), service("b"), service("c")))


def test_an_environment_of_an_unknown_service_is_refused() -> None:
    with pytest.raises(DocumentError) as caught:
        check_references(catalog(SHOP, CART, environments=(environment("shop", "chart"),)))
    assert str(caught.value) == (
        "manifests/environments/near/environment.yaml: services[1]: 'chart' is not a service,"
        " use one of: shop, cart"
    )


def test_an_unknown_dependency_is_refused() -> None:
    with pytest.raises(DocumentError) as caught:
        check_references(catalog(service("a", dependencies=["b", "nowhere"]), service("b")))
    assert str(caught.value) == (
        "services/a/service.yaml: dependencies[1]: 'nowhere' is not a service, use one of: a, b"
    )


@pytest.mark.parametrize(
    ("dependencies", "circles"),
    [
        ({"a": ["a"]}, {"a": "a -> a"}),
        ({"a": ["b"], "b": ["a"]}, {"a": "a -> b -> a", "b": "b -> a -> b"}),
        (
            {"a": ["b"], "b": ["c"], "c": ["a"], "d": ["a"]},
            {"a": "a -> b -> c -> a", "b": "b -> c -> a -> b", "c": "c -> a -> b -> c"},
        ),
    ],
)
def test_services_that_wait_for_each_other_are_refused_with_their_circle(
    dependencies: dict[str, list[str]], circles: dict[str, str]
) -> None:
    """The arrows read `depends on`, and the file is one of a service in the circle."""
    services = [service(name, dependencies=needed) for name, needed in dependencies.items()]
    services += [service(name) for name in "bcd" if name not in dependencies]
    with pytest.raises(DocumentError) as caught:
        check_references(catalog(*services))
    assert str(caught.value) in {
        f"services/{name}/service.yaml: dependencies: services that depend on each other can"
        f" never start: {circle}"
        for name, circle in circles.items()
    }
