"""Containers with Python: bare, with a service's tools, with its runtime dependencies."""

import dagger
from dagger import dag

from pipelines.toolchains import versions
from pipelines.toolchains.fetching import AGAIN, fetching

HOME = "/service"
_PIP = [
    AGAIN,
    "pip",
    "install",
    "--quiet",
    "--no-compile",
    "--only-binary=:all:",
    "--require-hashes",
]
_REQUIREMENTS = ["requirements.txt", "requirements-dev.txt"]
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


def _with_pip(container: dagger.Container) -> dagger.Container:
    return fetching(container).with_mounted_cache(
        "/root/.cache/pip", dag.cache_volume("shipyard-pip")
    )


def with_tools(service: dagger.Directory) -> dagger.Container:
    """Install a service's runtime and development requirements; its other files do not count."""
    return (
        _with_pip(base())
        .with_directory("/requirements", service.filter(include=_REQUIREMENTS))
        .with_workdir("/requirements")
        .with_exec([*_PIP, *(f"--requirement={name}" for name in _REQUIREMENTS)])
        .with_workdir(HOME)
    )


def runtime_root(service: dagger.Directory) -> dagger.Container:
    """Install a service's runtime requirements below /root-fs, where Debian's Python finds them.

    The scripts go, as their first line names the Python that installed them; so does RECORD, which
    lists them. Both would make the result depend on the container it was made in.
    """
    target = f"/root-fs/{_PACKAGES}"
    tidy = f"rm -rf {target}/bin {target}/*.dist-info/RECORD {target}/*.dist-info/direct_url.json"
    return (
        _with_pip(base(IMAGE_PLATFORM))
        .with_directory("/requirements", service.filter(include=["requirements.txt"]))
        .with_exec([*_PIP, f"--target={target}", "--requirement=/requirements/requirements.txt"])
        .with_exec(["sh", "-c", tidy])
    )
