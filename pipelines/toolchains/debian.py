"""The builder: a container that can look into Debian's archive, into git, and push images."""

import dagger

from pipelines.programs import program
from pipelines.toolchains import python
from pipelines.toolchains.calendar import this_week
from pipelines.toolchains.fetching import AGAIN, fetching
from pipelines.toolchains.run import bounded

_PROGRAMS = "/programs/pipelines/programs"
"""Where programs that import each other lie, so that they do it by the names that they have here."""
# A list that cannot be fetched is an error, not a warning.
_APT = f"{AGAIN} apt-get -qq -o Acquire::http::Timeout=30 -o APT::Update::Error-Mode=any"
_UNPACK_SECONDS = 1500
"""Longer than all tries of its downloads."""
_INSTALL = f"{_APT} update && {_APT} install --yes --no-install-recommends binutils git skopeo"


def builder(fresh: str) -> dagger.Container:
    """Give the builder with this week's package lists.

    A week is how long an answer of the archive is believed; `fresh` asks it again at once.
    """
    return (
        fetching(python.base(python.IMAGE_PLATFORM))
        .with_env_variable("DEBIAN_FRONTEND", "noninteractive")
        .with_env_variable("ARCHIVE_OF", fresh or this_week())
        .with_exec(["sh", "-c", _INSTALL])
        .with_new_file("/programs/unpack.sh", program("unpack.sh"), permissions=0o755)
        .with_new_file("/programs/commit.sh", program("commit.sh"), permissions=0o755)
        .with_new_file("/programs/changes.sh", program("changes.sh"), permissions=0o755)
        .with_new_file("/programs/standing.sh", program("standing.sh"), permissions=0o755)
        .with_new_file("/programs/push.sh", program("push.sh"), permissions=0o755)
        .with_new_file(f"{_PROGRAMS}/pack.py", program("pack.py"))
        .with_new_file(f"{_PROGRAMS}/normalize.py", program("normalize.py"))
        .with_env_variable("PYTHONPATH", "/programs")
    )


def unpacked(tools: dagger.Container, packages: tuple[str, ...]) -> dagger.Container:
    """Unpack Debian packages below /root-fs."""
    command = ["/programs/unpack.sh", "/root-fs", *sorted(packages)]
    return tools.with_exec(bounded(command, _UNPACK_SECONDS))
