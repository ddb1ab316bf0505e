"""Gates: one file each, and how the plan names them.

`read_gates` is the public face: it turns what the plan says into gates that keep the protocol of
`delivery.gate`, each with a guard around it.
"""

from collections.abc import Callable

from delivery.errors import PlanError
from delivery.gate import Answer, Gate, Policy
from delivery.gates.burn_rate import read_burn_rate
from delivery.gates.guard import BoundedGate, Guarded, Retry
from delivery.gates.http import read_http
from delivery.gates.logs import read_logs
from delivery.gates.prometheus import read_prometheus
from delivery.gates.requests import read_requests
from delivery.gates.restarts import read_restarts
from delivery.settings import Settings
from delivery.slo import Slo

__all__ = ["KINDS", "read_gates"]

Reader = Callable[[Settings, str, Policy, Slo | None, str], BoundedGate]
KINDS: dict[str, Reader] = {
    "burn-rate": read_burn_rate,
    "http": lambda settings, name, policy, _slo, _address: read_http(settings, name, policy),
    "logs": lambda settings, name, policy, _slo, _address: read_logs(settings, name, policy),
    "prometheus": lambda settings, name, policy, _slo, address: read_prometheus(
        settings, name, policy, address
    ),
    "requests": lambda settings, name, policy, slo, _address: read_requests(
        settings, name, policy, slo
    ),
    "restarts": lambda settings, name, policy, _slo, _address: read_restarts(
        settings, name, policy
    ),
}
NO_DATA = {"burn-rate": Answer.GO}
"""What no data means when the plan does not say: it needs users' requests, and two scrapes since the switch."""
MOST_TRIES = 10


def read_gates(
    values: object, where: str, slo: Slo | None = None, prometheus: str = ""
) -> tuple[Gate, ...]:
    """Read the gates of one service and stage; raise PlanError with the key and what is allowed.

    `slo` gives targets and the path to gates that name none, `prometheus` the address.
    """
    if values is None:
        return ()
    if not isinstance(values, list):
        raise PlanError(f"{where} is {values!r}, not a list of gates")
    gates = []
    for position, each in enumerate(values):
        gates.append(_read(Settings(each, f"{where}[{position}]"), slo, prometheus))
    names = [gate.name for gate in gates]
    for name in names:
        if names.count(name) > 1:
            raise PlanError(f"{where}: two gates have the name {name!r}")
    return tuple(gates)


def _read(settings: Settings, slo: Slo | None, prometheus: str) -> Guarded:
    kind = settings.choice("kind", KINDS)
    name = settings.text("name", kind)
    gate = KINDS[kind](settings, name, _policy(settings, kind), slo, prometheus)
    retry = settings.section("retry")
    read = Guarded(
        gate,
        Retry(
            times=retry.whole("times", 0, low=0, high=MOST_TRIES),
            pause_seconds=retry.number("pause_seconds", 1, low=0, high=60),
        ),
    )
    retry.finish()
    settings.finish()
    return read


def _policy(settings: Settings, kind: str) -> Policy:
    section = settings.section("policy")
    no_data = NO_DATA.get(kind, Answer.BLOCK)
    policy = Policy(
        error=Answer(section.choice("error", list(Answer), Answer.BLOCK)),
        no_data=Answer(section.choice("no_data", list(Answer), no_data)),
        limit=section.whole("limit", 1, low=1, high=100),
    )
    section.finish()
    return policy
