"""What each kind of service is checked, mended and made with.

A kind is one file with one class; adding a kind is adding a file and a line here.
"""

from pipelines.model import Kind
from pipelines.toolchains.kinds.angular import Angular
from pipelines.toolchains.kinds.dockerfile import Dockerfile
from pipelines.toolchains.kinds.node import Node
from pipelines.toolchains.kinds.python import Python
from pipelines.toolchains.kinds.toolchain import BUNDLE, HOME, REPORTS, Check, Toolchain

__all__ = ["BUNDLE", "HOME", "REPORTS", "Check", "Toolchain", "toolchain_of"]

_TOOLCHAINS: dict[Kind, Toolchain] = {
    Kind.PYTHON: Python(),
    Kind.NODE: Node(),
    Kind.ANGULAR: Angular(),
    Kind.DOCKERFILE: Dockerfile(),
}


def toolchain_of(kind: Kind) -> Toolchain:
    """Give the tools of a kind."""
    return _TOOLCHAINS[kind]
