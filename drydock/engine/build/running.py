"""RUN: a command with the mounts it asks for, which are gone afterwards."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from drydock.engine.errors import EngineError

from .dockerfile import Instruction, fail
from .stages import Build

if TYPE_CHECKING:
    from drydock.engine.types.container import Container

_SSH_SOCKET = "/run/buildkit/ssh_agent.0"


async def run_in(
    build: Build,
    container: Container,
    item: Instruction,
    command: tuple[str, ...],
    arguments: Mapping[str, str],
) -> Container:
    """Return the container after a command; build arguments are its variables, but do not stay."""
    config, mounts = container.config, container.mounts
    secrets = container.secret_variables
    prepared = config
    for name, value in arguments.items():
        if name not in config.variables():
            prepared = prepared.with_variable(name, value)
    running = container.configured(prepared)
    for text in item.flag_values("mount"):
        running = await _mount(build, running, item, text)
    ran = await build.steps.container(
        running,
        "withExec",
        args=list(command),
        insecure_root_capabilities=item.flag("security") == "insecure",
        no_init=not build.init,
    )
    return ran.changed(config=config, mounts=mounts, secret_variables=secrets)


async def _mount(build: Build, container: Container, item: Instruction, text: str) -> Container:
    options = {}
    for part in text.split(","):
        key, _, value = part.partition("=")
        options[key.strip().lower()] = value
    kind = options.get("type", "bind")
    target = options.get("target") or options.get("dst") or options.get("destination") or ""
    match kind:
        case "bind":
            return await _bind(build, container, options, target)
        case "cache":
            return await _cache(build, container, options, target)
        case "tmpfs":
            return await build.steps.container(container, "withMountedTemp", path=target)
        case "secret":
            return await _secret(build, container, item, options, target)
        case "ssh":
            return await _ssh(build, container, options, target)
    raise fail(item.line, f'unsupported mount type "{kind}"')


async def _bind(
    build: Build, container: Container, options: Mapping[str, str], target: str
) -> Container:
    source = options.get("source") or options.get("src") or "/"
    origin = build.context
    if name := options.get("from"):
        origin = await build.steps.do(await build.source(name), "rootfs")
    kind = await build.steps.do(
        origin, "exists", path=source, expected_type="DIRECTORY_TYPE"
    )
    if kind:
        directory = await build.steps.do(origin, "directory", path=source)
        return await build.steps.container(
            container, "withMountedDirectory", path=target, source=directory
        )
    file = await build.steps.do(origin, "file", path=source)
    return await build.steps.container(container, "withMountedFile", path=target, source=file)


async def _cache(
    build: Build, container: Container, options: Mapping[str, str], target: str
) -> Container:
    from drydock.engine.execute import ROOT

    volume = await build.steps.do(ROOT, "cacheVolume", key=options.get("id") or target)
    source = None
    if name := options.get("from"):
        origin = await build.steps.do(await build.source(name), "rootfs")
        source = await build.steps.do(origin, "directory", path=options.get("source", "/"))
    owner = f"{options.get('uid', '0')}:{options.get('gid', '0')}"
    return await build.steps.container(
        container,
        "withMountedCache",
        path=target,
        cache=volume,
        source=source,
        sharing=(options.get("sharing") or "shared").upper(),
        owner=owner if owner != "0:0" else "",
    )


async def _secret(
    build: Build,
    container: Container,
    item: Instruction,
    options: Mapping[str, str],
    target: str,
) -> Container:
    name = options.get("id") or target.rpartition("/")[2]
    secret = build.secrets.get(name)
    if secret is None:
        if options.get("required", "false") in {"", "true", "1"} and "required" in options:
            known = "no secret mappings were provided" if not build.secrets else "it was not found"
            digest = hashlib.sha256(item.text.encode()).hexdigest()
            raise EngineError(
                "failed to convert Dockerfile LLB to Dagger ID: llbtodagger: unsupported op "
                f'"exec" (sha256:{digest}): secret "{name}" is required but {known}'
            )
        return container
    if variable := options.get("env"):
        container = await build.steps.container(
            container, "withSecretVariable", name=variable, secret=secret
        )
        if not target:
            return container
    owner = f"{options.get('uid', '0')}:{options.get('gid', '0')}"
    return await build.steps.container(
        container,
        "withMountedSecret",
        path=target or f"/run/secrets/{name}",
        source=secret,
        owner=owner,
        mode=int(options.get("mode", "0400"), 8),
    )


async def _ssh(
    build: Build, container: Container, options: Mapping[str, str], target: str
) -> Container:
    if build.ssh is None:
        if "required" in options and options["required"] != "false":
            raise EngineError("failed to convert Dockerfile to LLB: no SSH socket was given")
        return container
    path = target or _SSH_SOCKET
    mounted = await build.steps.container(container, "withUnixSocket", path=path, source=build.ssh)
    return mounted.configured(mounted.config.with_variable("SSH_AUTH_SOCK", path))
