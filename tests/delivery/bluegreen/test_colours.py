"""Painting a Deployment: two colours that never stand in each other's way, and no trace when the paint is off."""

from typing import Any

from delivery.bluegreen.colours import LABEL, Colour, painted, stripped
from delivery.bluegreen.observation import content_of
from tests.delivery.bluegreen.shop import LABELS, NAME, deployment

OWN = {"matchLabels": dict(LABELS)}
WRITTEN_OUT = {
    "matchExpressions": [
        {"key": key, "operator": "In", "values": [value]} for key, value in LABELS.items()
    ]
}
OTHERS = {"matchLabels": {"app.kubernetes.io/part-of": "everything"}}
ANY = {"matchExpressions": [{"key": "app.kubernetes.io/name", "operator": "Exists"}]}


def keeping_off(*selectors: dict[str, Any]) -> dict[str, Any]:
    """Render a Deployment whose pods share no node with those of the selectors."""
    made = deployment("one")
    terms = [{"topologyKey": "kubernetes.io/hostname", "labelSelector": x} for x in selectors]
    anti = {
        "requiredDuringSchedulingIgnoredDuringExecution": terms,
        "preferredDuringSchedulingIgnoredDuringExecution": [
            {"weight": 1, "podAffinityTerm": each} for each in terms
        ],
    }
    made["spec"]["template"]["spec"]["affinity"] = {"podAntiAffinity": anti}
    return made


def selectors_of(made: dict[str, Any]) -> list[dict[str, Any]]:
    """Read the selectors of the terms, the preferred ones last."""
    anti = made["spec"]["template"]["spec"]["affinity"]["podAntiAffinity"]
    required = anti["requiredDuringSchedulingIgnoredDuringExecution"]
    preferred = anti["preferredDuringSchedulingIgnoredDuringExecution"]
    terms = [*required, *(each["podAffinityTerm"] for each in preferred)]
    return [each["labelSelector"] for each in terms]


def test_pods_keep_off_those_of_their_own_colour_only() -> None:
    found = selectors_of(painted(keeping_off(OWN, WRITTEN_OUT), NAME, Colour.GREEN, 2))
    assert len(found) == 4
    for each in found:
        assert each["matchLabels"][LABEL] == "green"


def test_what_they_keep_off_besides_stays_as_it_is() -> None:
    found = selectors_of(painted(keeping_off(OTHERS, ANY), NAME, Colour.GREEN, 2))
    assert found == [OTHERS, ANY, OTHERS, ANY]


def test_without_paint_it_is_what_it_was() -> None:
    plain = keeping_off(OWN, WRITTEN_OUT, OTHERS, ANY)
    green = painted(plain, NAME, Colour.GREEN, 2)
    assert stripped(green, NAME, 2)["spec"] == plain["spec"]
    assert content_of(green) == content_of(painted(plain, NAME, Colour.BLUE, 2))
    assert content_of(green) == content_of(plain)
