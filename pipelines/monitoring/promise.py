"""The two promises of an SLO, each as a share of requests that may miss it."""

from collections.abc import Iterator
from dataclasses import dataclass

from pipelines.model import Slo

SUCCESS, LATENCY = "success", "latency"


@dataclass(frozen=True)
class Promise:
    """One promise of a service: `percent` of its requests keep it, over the SLO's window."""

    slo: Slo
    kind: str
    percent: float

    @property
    def budget(self) -> float:
        """The share of the requests that may miss it."""
        return round(1 - self.percent / 100, 10)

    @property
    def labels(self) -> dict[str, str]:
        """What marks everything that is recorded for it."""
        return {"service": self.slo.name, "promise": self.kind}

    @property
    def selector(self) -> str:
        """The same, as a query has it."""
        return f'{{service="{self.slo.name}",promise="{self.kind}"}}'

    @property
    def words(self) -> str:
        """Say what is promised."""
        if self.kind == SUCCESS:
            return f"{self.percent:.10g} % of the requests get no server error"
        return f"{self.percent:.10g} % of the requests are answered within {self.slo.latency_milliseconds} ms"


def promises(slo: Slo) -> Iterator[Promise]:
    """Go through what a service promises."""
    yield Promise(slo, SUCCESS, slo.success)
    yield Promise(slo, LATENCY, slo.latency_percent)
