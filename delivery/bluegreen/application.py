"""An application that is delivered blue-green: what the plan and the manifests want of it."""

from dataclasses import dataclass

from delivery.bluegreen.colours import without_colour
from delivery.bluegreen.record import Release
from delivery.cluster import Obj
from delivery.gate import Gate
from delivery.strategy import Options


@dataclass(frozen=True)
class Application:
    """One application.

    `deployment` and `service` are as rendered, plain; both are None when nothing new is delivered, as for
    a rollback. `release` is what shall be live. `rate` is that of the prober, requests a second, 0 for none;
    it asks `probe_path`, or the health when that is empty.
    """

    name: str
    namespace: str
    health: str
    options: Options
    rollout_seconds: float
    deployment: Obj | None = None
    service: Obj | None = None
    release: Release | None = None
    preview_gates: tuple[Gate, ...] = ()
    live_gates: tuple[Gate, ...] = ()
    rate: float = 0.0
    probe_path: str = ""

    @property
    def matched(self) -> Obj | None:
        """How the Deployment finds its pods, as the manifests have it; None when nothing new is delivered."""
        return None if self.deployment is None else dict(self.deployment["spec"]["selector"])

    @property
    def selector(self) -> dict[str, str]:
        """The labels by which the Service finds pods, without the colour, as the manifests have them."""
        return without_colour((self.service or {}).get("spec", {}).get("selector") or {})
