"""Containers with Python: bare, with locked packages, and packages as an image's layer."""

from collections.abc import Iterable

import dagger
from dagger import dag

from pipelines.toolchains import versions
from pipelines.toolchains.fetching import AGAIN, fetching

# What stands in a lock is everything: resolving it again could only find a release that came later.
_PIP = [
    AGAIN,
    "pip",
    "install",
    "--quiet",
    "--no-compile",
    "--no-deps",
    "--only-binary=:all:",
    "--require-hashes",
]
IMAGE_PLATFORM = dagger.Platform("/".join(versions.PLATFORM))
"""What goes into an image is chosen for one platform, whatever machine chooses it: one commit, one digest."""
_PACKAGES = f"usr/local/lib/python{versions.PYTHON}/dist-packages"


def base(platform: dagger.Platform | None = None) -> dagger.Container:
    """Give the container that nearly everything runs in, on the engine's own platform if none is given."""
    return (
        dag.container(platform=platform)
        .from_(versions.PYTHON_IMAGE)
        .with_env_variable("PYTHONDONTWRITEBYTECODE", "1")
        .with_env_variable("PYTHONUNBUFFERED", "1")
        .with_env_variable("PIP_DISABLE_PIP_VERSION_CHECK", "1")
        .with_env_variable("PIP_ROOT_USER_ACTION", "ignore")
    )


def install(
    container: dagger.Container, locks: dagger.Directory, names: Iterable[str], *flags: str
) -> dagger.Container:
    """Install what requirement files pin with hashes; `names` are files of `locks`."""
    return (
        fetching(container)
        .with_mounted_cache("/root/.cache/pip", dag.cache_volume("shipyard-pip"))
        .with_directory("/requirements", locks)
        .with_workdir("/requirements")
        .with_exec([*_PIP, *flags, *(f"--requirement={name}" for name in names)])
    )


def runtime_root(locks: dagger.Directory) -> dagger.Directory:
    """Install requirements.txt for an image, where Debian's Python finds it.

    The scripts go, as their first line names the Python that installed them; so does RECORD, which
    lists them. Both would make the result depend on the container it was made in.
    """
    target = f"/root-fs/{_PACKAGES}"
    gone = f"{target}/bin {target}/*.dist-info/RECORD {target}/*.dist-info/direct_url.json"
    tidy = f"mkdir -p {target} && rm -rf {gone}"
    installed = install(base(IMAGE_PLATFORM), locks, ["requirements.txt"], f"--target={target}")
    return installed.with_exec(["sh", "-c", tidy]).directory("/root-fs")
