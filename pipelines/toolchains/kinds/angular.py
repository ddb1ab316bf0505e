"""Angular applications: Prettier, `ng lint`, Angular's compiler, Karma in headless Chromium, `ng build`."""

from collections.abc import Mapping
from typing import ClassVar

import dagger

from pipelines.toolchains import node
from pipelines.toolchains.fetching import AGAIN, fetching
from pipelines.toolchains.kinds.node import Node
from pipelines.toolchains.kinds.toolchain import BUNDLE, HOME, Check

_BIN = f"{HOME}/node_modules/.bin"
_APT = f"{AGAIN} apt-get -qq -o Acquire::http::Timeout=30 -o APT::Update::Error-Mode=any"
_CHROMIUM = (
    f"{_APT} update && {_APT} install --yes --no-install-recommends chromium"
    " && rm -rf /var/lib/apt/lists/*"
)

_BUILD = (
    f"{_BIN}/ng build --configuration production --output-path=/dist/out"
    # Older builders have no folder of their own for what browsers get.
    f" && if [ -d /dist/out/browser ]; then mv /dist/out/browser {BUNDLE};"
    f" else mv /dist/out {BUNDLE}; fi"
)


class Angular(Node):
    """What checks and builds an Angular application; nginx, of Debian's packages, serves what was built."""

    checks: ClassVar[Mapping[str, Check]] = {
        "format": Check(((f"{_BIN}/prettier", "--check", "."),)),
        "lint": Check(((f"{_BIN}/ng", "lint"),)),
        "types": Check(
            (
                (f"{_BIN}/ngc", "-p", "tsconfig.app.json", "--noEmit"),
                (f"{_BIN}/ngc", "-p", "tsconfig.spec.json", "--noEmit"),
            )
        ),
        "test": Check(
            (
                (
                    f"{_BIN}/ng",
                    "test",
                    "--watch=false",
                    "--browsers=ChromeHeadless",
                    "--code-coverage",
                ),
            )
        ),
    }
    compiles: ClassVar[bool] = True
    environment: ClassVar[Mapping[str, str]] = {}

    def tools(self, fresh: str) -> dagger.Container:
        """Add the browser that the tests run in."""
        container = fetching(node.base()).with_env_variable("DEBIAN_FRONTEND", "noninteractive")
        if fresh:
            container = container.with_env_variable("SHIPYARD_FRESH", fresh)
        return (
            container.with_exec(["sh", "-c", _CHROMIUM])
            .with_env_variable("CHROME_BIN", "/usr/bin/chromium")
            .with_env_variable("NG_BUILD_MAX_WORKERS", "2")
        )

    def bundle(self) -> Check | None:
        """Build for production."""
        return Check((("sh", "-c", _BUILD),))

    def layers(
        self, files: dagger.Directory, builder: dagger.Container
    ) -> Mapping[str, dagger.Directory]:
        """Give nothing: what was built needs no dependency any more."""
        del files, builder
        return {}
