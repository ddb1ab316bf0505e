"""What a service promises: how many requests are answered well, and how fast."""

from dataclasses import dataclass

FOLDER = "manifests/monitoring/slo"


def slo_path(service: str) -> str:
    """Tell where a service's promise lies in the repository, if it makes one."""
    return f"{FOLDER}/{service}.yaml"


@dataclass(frozen=True, kw_only=True)
class Slo:
    """One file below `manifests/monitoring/slo/`; the promise is kept over `window_days`.

    `success` percent of the requests get no server error, `latency_percent` of them are answered within
    `latency_milliseconds`. `handlers` are the routes that count; none when the service has no metrics.
    `path` is a request that stands for them.
    """

    name: str
    window_days: int
    success: float
    latency_percent: float
    latency_milliseconds: int
    handlers: tuple[str, ...]
    path: str

    @property
    def values(self) -> dict[str, object]:
        """The promise as `delivery` reads it in the plan; the same keys as in the file."""
        latency = {"percent": self.latency_percent, "milliseconds": self.latency_milliseconds}
        promised = {"name": self.name, "window_days": self.window_days, "success": self.success}
        told: dict[str, object] = {**promised, "latency": latency, "path": self.path}
        return {**told, "handlers": list(self.handlers)} if self.handlers else told
