"""The configuration of a container: everything about it that is not a file.

Frozen, without I/O; the fields of `Container` in `engine.types` are thin calls of these methods. It converts from and to
the OCI configuration of an image. Order matters where it does on a real engine: variables keep the place of their first
setting, and two orders are two different commands for the cache.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from drydock.engine.process.expansion import expand
from drydock.runtime.image import ImageConfig

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class ExposedPort:
    """A port that a container's service listens on."""

    port: int
    protocol: str = "TCP"
    description: str | None = None
    skip_health_check: bool = False


@dataclass(frozen=True)
class HealthCheck:
    """A health check as Docker knows it; durations in nanoseconds."""

    args: tuple[str, ...]
    shell: bool = False
    interval: int = 0
    timeout: int = 0
    start_period: int = 0
    start_interval: int = 0
    retries: int = 0

    def to_oci(self) -> dict[str, Any]:
        """Return the `Healthcheck` of an image configuration."""
        return {
            "Test": ["CMD-SHELL" if self.shell else "CMD", *self.args],
            "Interval": self.interval,
            "Timeout": self.timeout,
            "StartPeriod": self.start_period,
            "StartInterval": self.start_interval,
            "Retries": self.retries,
        }

    @classmethod
    def from_oci(cls, raw: Mapping[str, Any] | None) -> HealthCheck | None:
        """Read the `Healthcheck` of an image configuration; None if there is none or it is switched off."""
        kind, *args = (raw or {}).get("Test") or ["NONE"]
        if raw is None or kind not in ("CMD", "CMD-SHELL"):
            return None
        return cls(
            args=tuple(args),
            shell=kind == "CMD-SHELL",
            interval=raw.get("Interval", 0),
            timeout=raw.get("Timeout", 0),
            start_period=raw.get("StartPeriod", 0),
            start_interval=raw.get("StartInterval", 0),
            retries=raw.get("Retries", 0),
        )


@dataclass(frozen=True)
class Config:
    """The configuration of one container."""

    env: tuple[str, ...] = ()  # NAME=value
    entrypoint: tuple[str, ...] = ()
    default_args: tuple[str, ...] = ()
    workdir: str = ""
    user: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    annotations: tuple[tuple[str, str], ...] = ()
    ports: tuple[ExposedPort, ...] = ()
    health_check: HealthCheck | None = None
    stop_signal: str = ""
    volumes: tuple[str, ...] = field(default=())

    # ------------------------------------------------------------ variables

    def variables(self) -> dict[str, str]:
        """Return the variables by name, in order."""
        return {name: value for name, _, value in (entry.partition("=") for entry in self.env)}

    def with_variable(self, name: str, value: str) -> Config:
        """Set a variable; one that is set keeps its place."""
        entry = f"{name}={value}"
        known = entry.partition("=")[0]
        if known not in self.variables():
            return replace(self, env=(*self.env, entry))
        return replace(
            self, env=tuple(entry if old.partition("=")[0] == known else old for old in self.env)
        )

    def without_variable(self, name: str) -> Config:
        """Remove a variable; one that is not set is no error."""
        return replace(self, env=tuple(old for old in self.env if old.partition("=")[0] != name))

    def expand(self, text: str) -> str:
        """Replace the references to this container's variables in a text."""
        return expand(text, self.variables())

    # ------------------------------------------------------------ paths

    def path(self, path: str) -> str:
        """Return a path as the container sees it: absolute, clean, never above the root."""
        joined = posixpath.join("/", self.workdir or "/", path)
        return posixpath.normpath("/" + joined.lstrip("/"))

    def with_workdir(self, path: str) -> Config:
        """Change the working directory: an absolute path stays as written, a relative one is joined."""
        if not path.startswith("/"):
            path = self.path(path)
        return replace(self, workdir=path)

    # ------------------------------------------------------------ command

    def with_entrypoint(self, args: tuple[str, ...], *, keep_default_args: bool) -> Config:
        """Set the entrypoint; the default arguments belonged to the old one and go, unless told to stay."""
        kept = self.default_args if keep_default_args else ()
        return replace(self, entrypoint=args, default_args=kept)

    def command(self, args: tuple[str, ...], *, use_entrypoint: bool) -> tuple[str, ...]:
        """Return what `withExec` runs, empty if nothing: no arguments stand for the default ones."""
        chosen = args or self.default_args
        return self.entrypoint + chosen if use_entrypoint else chosen

    def service_command(self, args: tuple[str, ...], *, use_entrypoint: bool) -> tuple[str, ...]:
        """Return what `asService` runs: without arguments, the entrypoint and the default arguments."""
        if args:
            return self.entrypoint + args if use_entrypoint else args
        return self.entrypoint + self.default_args

    # ------------------------------------------------------------ labels, annotations, ports

    def with_label(self, name: str, value: str) -> Config:
        """Set a label."""
        return replace(self, labels=_set(self.labels, name, value))

    def without_label(self, name: str) -> Config:
        """Remove a label."""
        return replace(self, labels=tuple(item for item in self.labels if item[0] != name))

    def with_annotation(self, name: str, value: str) -> Config:
        """Set an annotation of the manifest."""
        return replace(self, annotations=_set(self.annotations, name, value))

    def without_annotation(self, name: str) -> Config:
        """Remove an annotation of the manifest."""
        kept = tuple(item for item in self.annotations if item[0] != name)
        return replace(self, annotations=kept)

    def with_port(self, port: ExposedPort) -> Config:
        """Expose a port; the same one is replaced where it stands."""
        same = (port.port, port.protocol)
        if all((old.port, old.protocol) != same for old in self.ports):
            return replace(self, ports=(*self.ports, port))
        return replace(
            self,
            ports=tuple(port if (old.port, old.protocol) == same else old for old in self.ports),
        )

    def without_port(self, port: int, protocol: str) -> Config:
        """Stop exposing a port."""
        kept = tuple(old for old in self.ports if (old.port, old.protocol) != (port, protocol))
        return replace(self, ports=kept)

    # ------------------------------------------------------------ images

    def based_on(self, image: ImageConfig) -> Config:
        """Return the configuration after `from`: earlier variables, labels, ports and annotations stay, the rest is the image's."""
        merged = replace(
            self,
            entrypoint=image.entrypoint,
            default_args=image.cmd,
            workdir=image.workdir,
            user=image.user,
            health_check=HealthCheck.from_oci(image.healthcheck),
            stop_signal=image.stop_signal,
            volumes=image.volumes,
        )
        for entry in image.env:
            name, _, value = entry.partition("=")
            merged = merged.with_variable(name, value)
        for name, value in image.labels.items():
            merged = merged.with_label(name, value)
        for entry in image.exposed_ports:
            number, _, protocol = entry.partition("/")
            merged = merged.with_port(ExposedPort(int(number), (protocol or "tcp").upper()))
        return merged

    def to_image(self, platform: str) -> ImageConfig:
        """Return the configuration of an image made of this container."""
        os, architecture, *_ = (*platform.split("/"), "")
        return ImageConfig(
            env=self.env,
            entrypoint=self.entrypoint,
            cmd=self.default_args,
            user=self.user,
            workdir=self.workdir,
            labels=dict(self.labels),
            exposed_ports=tuple(f"{port.port}/{port.protocol.lower()}" for port in self.ports),
            volumes=self.volumes,
            stop_signal=self.stop_signal,
            architecture=architecture,
            os=os,
            healthcheck=self.health_check.to_oci() if self.health_check else None,
        )


def _set(items: tuple[tuple[str, str], ...], name: str, value: str) -> tuple[tuple[str, str], ...]:
    if any(known == name for known, _ in items):
        return tuple((known, value if known == name else old) for known, old in items)
    return (*items, (name, value))
