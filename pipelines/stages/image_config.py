"""What an image says about itself, in the words of the OCI image specification."""

from datetime import UTC, datetime

from pipelines.model import Commit, Kind, Service
from pipelines.toolchains import versions
from pipelines.toolchains.kinds import toolchain_of

USER = "10001:10001"
HOME = "/app"
_SECOND = 1_000_000_000


def image_config(service: Service, commit: Commit) -> dict[str, object]:
    """Describe a service's image; where a Dockerfile says how it runs, only where it comes from."""
    created = datetime.fromtimestamp(commit.time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    annotations = {
        "org.opencontainers.image.created": created,
        "org.opencontainers.image.description": service.image.description,
        "org.opencontainers.image.revision": commit.full_version(service.name),
        "org.opencontainers.image.title": service.image.title,
        "org.opencontainers.image.version": commit.version(service.name),
    }
    operating_system, architecture = versions.PLATFORM
    running = {} if service.kind is Kind.DOCKERFILE else _running(service, commit)
    return {
        "created": created,
        "architecture": architecture,
        "os": operating_system,
        "annotations": annotations,
        "config": {**running, "Labels": annotations},
    }


def _running(service: Service, commit: Commit) -> dict[str, object]:
    image = service.image
    environment = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "APP_VERSION": commit.version(service.name),
        **toolchain_of(service.kind).environment,
        **dict(image.environment),
    }
    healthcheck = {
        "Test": ["CMD", *image.healthcheck],
        "Interval": 30 * _SECOND,
        "Timeout": 3 * _SECOND,
        "StartPeriod": 10 * _SECOND,
        "StartInterval": _SECOND,
        "Retries": 3,
    }
    return {
        "User": USER,
        "WorkingDir": HOME,
        "Env": [f"{name}={value}" for name, value in sorted(environment.items())],
        "Entrypoint": list(image.entrypoint),
        "Cmd": list(image.command),
        "ExposedPorts": {f"{service.port}/tcp": {}},
        "StopSignal": image.stop_signal,
        **({"Healthcheck": healthcheck} if image.healthcheck else {}),
    }
