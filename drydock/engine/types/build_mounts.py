"""`RUN --mount=...` of Dockerfiles, as mounts of a container for one command."""

from __future__ import annotations

import secrets as random
from collections.abc import Callable, Mapping

from drydock.engine.field import Call
from drydock.engine.process.dockerfile import DockerfileError
from drydock.engine.process.mounts import (
    CacheMount,
    SecretMount,
    SocketMount,
    TempMount,
    TreeMount,
    with_mount,
)
from drydock.engine.process.secret_store import Secret
from drydock.engine.tree.paths import clean
from drydock.engine.types.cache_volume import CacheVolume
from drydock.engine.types.container import Container
from drydock.engine.types.directory import Directory
from drydock.engine.types.socket import Socket

_TRUE = {"", "true", "1"}


def with_run_mounts(
    container: Container,
    call: Call,
    mounts: list[str],
    *,
    secrets: Mapping[str, Secret],
    ssh: Socket | None,
    source: Callable[[str], Directory],
) -> Container:
    """Return the container with the mounts that a RUN asks for; `source` knows what `from=` names."""
    for text in mounts:
        options = {
            key: value for key, _, value in (part.partition("=") for part in text.split(","))
        }
        target = _target(container, options)
        match options.get("type", "bind"):
            case "secret":
                container = _secret(container, options, target, secrets)
            case "cache":
                volume = CacheVolume(f"dockerfile:{options.get('id') or target}")
                sharing = options.get("sharing", "shared").upper()
                owner = f"{options.get('uid', '0')}:{options.get('gid', '0')}"
                mount = CacheMount(target, volume, sharing, owner)
                container = container.changed(mounts=with_mount(container.mounts, mount))
            case "tmpfs":
                container = container.changed(
                    mounts=with_mount(container.mounts, TempMount(target))
                )
            case "bind":
                inner = clean(options.get("source") or options.get("src") or "/")
                tree = source(options.get("from", ""))
                selected = tree.select(call.runtime, inner)
                read_only = not any(
                    options.get(name, "no") in _TRUE for name in ("rw", "readwrite")
                )
                container = container.changed(
                    mounts=with_mount(container.mounts, TreeMount(target, selected, read_only))
                )
            case "ssh" if ssh is not None:
                path = target if target != "/" else "/run/buildkit/ssh_agent.0"
                container = container.changed(
                    mounts=with_mount(container.mounts, SocketMount(path, ssh)),
                    config=container.config.with_variable("SSH_AUTH_SOCK", path),
                )
            case "ssh":
                if options.get("required", "no") in _TRUE:
                    raise DockerfileError("an SSH socket is required, and none was given")
            case kind:
                raise DockerfileError(f"unsupported mount type {kind!r}")
    return container


def _target(container: Container, options: Mapping[str, str]) -> str:
    path = options.get("target") or options.get("dst") or options.get("destination")
    if path:
        return container.config.path(path)
    name = options.get("id") or options.get("source") or options.get("src") or ""
    return f"/run/secrets/{name}" if options.get("type") == "secret" else "/"


def _secret(
    container: Container,
    options: Mapping[str, str],
    target: str,
    secrets: Mapping[str, Secret],
) -> Container:
    name = options.get("id") or options.get("source") or target.rpartition("/")[2]
    secret = secrets.get(name)
    if secret is None:
        if options.get("required", "no") not in _TRUE:
            return container
        # A real engine names the step by its digest.
        step = random.token_hex(32)
        missing = "secret mappings were provided" if not secrets else "such secret was provided"
        error = DockerfileError("")
        error.message = (
            f'failed to convert Dockerfile LLB to Dagger ID: llbtodagger: unsupported op "exec" '
            f'(sha256:{step}): secret "{name}" is required but no {missing}'
        )
        raise error
    if "env" in options:
        return container.changed(
            secret_variables=(*container.secret_variables, (options["env"], secret))
        )
    owner = f"{options.get('uid', '0')}:{options.get('gid', '0')}"
    mount = SecretMount(target, secret, owner, int(options.get("mode", "400"), 8))
    return container.changed(mounts=with_mount(container.mounts, mount))
