"""Node.js services: Prettier, ESLint, TypeScript's checks of JavaScript, and the service's `npm test`."""

from collections.abc import Mapping
from typing import ClassVar

import dagger

from pipelines.toolchains import node
from pipelines.toolchains.kinds.toolchain import HOME, REPORTS, Check, Toolchain

_BIN = f"{HOME}/node_modules/.bin"


class Node(Toolchain):
    """What checks a Node.js service, and what its image needs."""

    locks: ClassVar[tuple[str, ...]] = node.LOCKS
    checks: ClassVar[Mapping[str, Check]] = {
        "format": Check(((f"{_BIN}/prettier", "--check", "."),)),
        "lint": Check(((f"{_BIN}/eslint", "."),)),
        "types": Check(((f"{_BIN}/tsc", "--noEmit"),)),
        "test": Check((("npm", "test", "--silent"),)),
    }
    fix: ClassVar[Check | None] = Check(((f"{_BIN}/prettier", "--write", "--log-level=warn", "."),))
    environment: ClassVar[Mapping[str, str]] = {"NODE_ENV": "production"}

    def workshop(self, files: dagger.Directory, fresh: str) -> dagger.Container:
        """Install what the lock pins, as a user without rights."""
        locks = files.filter(include=list(self.locks))
        installed = node.install(node.unprivileged(self.tools(fresh)), locks, HOME)
        return installed.with_env_variable("REPORTS", REPORTS)

    def tools(self, fresh: str) -> dagger.Container:
        """Give what a kind needs besides its own packages."""
        del fresh
        return node.base()

    def at_hand(self, workshop: dagger.Container, files: dagger.Directory) -> dagger.Container:
        """Copy the files beside `node_modules`; a mount would hide that folder."""
        return workshop.with_directory(HOME, files, exclude=["node_modules"], owner=node.USER)

    def layers(
        self, files: dagger.Directory, builder: dagger.Container
    ) -> Mapping[str, dagger.Directory]:
        """Give Node.js itself and the production dependencies."""
        locks = files.filter(include=list(self.locks))
        return {
            "runtime": node.runtime_root(builder),
            "dependencies": node.dependencies_root(locks),
        }
