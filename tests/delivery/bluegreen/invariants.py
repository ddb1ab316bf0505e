"""What holds at every moment, whatever happens: asked after every write and every tick of the tests."""

from delivery.bluegreen.colours import Colour, selected, side_name
from tests.delivery.bluegreen.shop import NAME, Shop
from tests.delivery.memory.world import DEPLOYMENTS, SERVICES


def check(shop: Shop) -> None:
    """Assert that users reach one version, at work, on a colour that is there."""
    service = shop.world.store.objects.get(f"{SERVICES}/{NAME}")
    if service is None:
        return
    assert service["spec"]["selector"], "an empty selector"
    reached = shop.users_reach()
    assert len(reached) == 1, f"users reach {reached}, the Service selects {service['spec']}"
    routed = shop.routed()
    assert routed is None or routed, "no pod that users are sent to is ready"
    colour = selected(service)
    if colour is None:
        return
    assert isinstance(colour, Colour)
    deployment = shop.world.store.objects.get(f"{DEPLOYMENTS}/{side_name(NAME, colour)}")
    assert deployment is not None, f"{colour} is selected and was deleted"
    assert deployment["spec"]["replicas"] > 0, f"{colour} is selected and was scaled down"
