"""Shipyard: one call checks, tests, builds, scans, publishes, deploys and verifies every service.

    dagger call ship --env=staging

What runs is the same on a laptop and in CI. The docstrings here are the help that the command line
shows. Every function that runs a tool is called anew each time; what stands below it, the commands,
is cached by the engine, except those with effects.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

import dagger
from dagger import DefaultPath, Doc, Ignore, function, object_type
from dagger.mod._exceptions import FunctionError  # the one error that is shown without a traceback

from pipelines.catalog import UnknownNameError, read_catalog
from pipelines.document import DocumentError
from pipelines.flows import check as checking
from pipelines.flows import ship as shipping
from pipelines.flows.build import build_layouts
from pipelines.flows.graph import OnFailure
from pipelines.flows.images import Source
from pipelines.flows.ship import Access, AccessError
from pipelines.flows.verdict import VerdictError
from pipelines.toolchains.kubectl import ClusterAccess
from pipelines.toolchains.registry import RegistryAccess
from pipelines.toolchains.run import nonce

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

EnvArgument = Annotated[str, Doc("Environment to act on: a folder below manifests/environments")]
ServiceArgument = Annotated[str, Doc("Only this service: a folder below services; all when empty")]


def uncached(func: F) -> F:
    """Expose a function that the engine calls every time.

    The decorator's overloads do not know its own `cache` argument, hence the detour.
    """
    decorate: Callable[..., Callable[[F], F]] = function
    return decorate(cache="never")(func)


async def _told(work: Awaitable[T]) -> T:
    """Turn what people should read into a message without a traceback."""
    try:
        return await work
    except (UnknownNameError, DocumentError, AccessError, VerdictError) as error:
        raise FunctionError(str(error)) from None


@object_type
class Shipyard:
    """CI/CD of a repository with services/*/service.yaml and manifests/environments/*/environment.yaml."""

    source: Annotated[
        dagger.Directory,
        DefaultPath("/"),
        Ignore(
            [
                "*",
                "!services",
                "!manifests",
                "!.gitignore",
                "**/__pycache__",
                "**/.venv",
                "**/node_modules",
                "**/.coverage",
                "**/.mypy_cache",
                "**/.pytest_cache",
            ]
        ),
        Doc("The repository"),
    ]
    git: Annotated[
        dagger.Directory,
        DefaultPath("/"),
        Ignore(
            ["*", "!.git/HEAD", "!.git/objects", "!.git/packed-refs", "!.git/refs", "!.git/shallow"]
        ),
        Doc("Where the commit and its time are read; git's configuration stays outside"),
    ]
    registry: Annotated[
        dagger.Service | None, Doc("Registry of this machine, e.g. tcp://127.0.0.1:5000")
    ] = None
    cluster: Annotated[
        dagger.Service | None, Doc("API server of this machine, e.g. tcp://127.0.0.1:6443")
    ] = None
    kubeconfig: Annotated[
        dagger.Secret | None, Doc("How to reach the cluster, e.g. file:~/.kube/config")
    ] = None
    registry_username: Annotated[str, Doc("Who pushes to a registry that wants a login")] = ""
    registry_token: Annotated[
        dagger.Secret | None, Doc("Token of that user, e.g. env:GITHUB_TOKEN")
    ] = None
    fresh: Annotated[bool, Doc("Run every tool again instead of believing the cache")] = False

    @uncached
    @dagger.check
    async def format(self, service: ServiceArgument = "") -> str:
        """Check formatting and import order with Black and isort."""
        return await self._check(service, "format")

    @uncached
    @dagger.check
    async def lint(self, service: ServiceArgument = "") -> str:
        """Check the code with flake8: fatal errors first, then all rules."""
        return await self._check(service, "lint")

    @uncached
    @dagger.check
    async def types(self, service: ServiceArgument = "") -> str:
        """Check the types with mypy."""
        return await self._check(service, "types")

    @uncached
    @dagger.check
    async def test(self, service: ServiceArgument = "") -> str:
        """Run the tests with coverage, which must reach the service's threshold."""
        return await self._check(service, "test")

    @uncached
    async def check(
        self,
        service: ServiceArgument = "",
        *,
        fail_fast: Annotated[bool, Doc("Stop everything at the first failure")] = False,
    ) -> str:
        """Run format, lint, types and test of every service at once."""
        return await _told(
            checking.check(self._source(), service, on_failure=_on_failure(fail_fast=fail_fast))
        )

    @uncached
    async def build(self, service: ServiceArgument = "") -> dagger.Directory:
        """Build the images: one OCI layout per service, the same bytes on every machine."""
        return await _told(build_layouts(self._source(), service))

    @uncached
    @dagger.check
    async def scan(self, service: ServiceArgument = "") -> str:
        """Scan the images for vulnerabilities, secrets and misconfiguration with Trivy."""
        return await _told(checking.scan(self._source(), service))

    @uncached
    async def publish(self, env: EnvArgument, service: ServiceArgument = "") -> str:
        """Build, scan and push the images of an environment's services."""
        access = self._access().registry
        return await _told(shipping.publish(self._source(), access, env, service))

    @uncached
    async def deploy(self, env: EnvArgument, service: ServiceArgument = "") -> str:
        """Build, push and deliver without checking first; rolls back what does not come up."""
        return await _told(shipping.deploy(self._source(), self._access(), env, service))

    @uncached
    async def ship(
        self,
        env: EnvArgument,
        service: ServiceArgument = "",
        *,
        fail_fast: Annotated[bool, Doc("Stop everything at the first failure")] = False,
    ) -> str:
        """Check, test, build, scan, publish, deploy and verify every service of an environment."""
        return await _told(
            shipping.ship(
                self._source(), self._access(), env, service, _on_failure(fail_fast=fail_fast)
            )
        )

    @uncached
    async def status(self, env: EnvArgument, service: ServiceArgument = "") -> str:
        """Show what runs in an environment."""
        return await _told(shipping.look("status", self._source(), self._access(), env, service))

    @uncached
    async def rollback(self, env: EnvArgument, service: ServiceArgument = "") -> str:
        """Go back to the revision before the present one and verify it."""
        return await _told(shipping.look("rollback", self._source(), self._access(), env, service))

    @function
    async def services(self) -> list[str]:
        """List the services of the repository."""
        return sorted((await _told(read_catalog(self.source))).services)

    @function
    async def environments(self) -> list[str]:
        """List the environments of the repository."""
        return sorted((await _told(read_catalog(self.source))).environments)

    async def _check(self, service: str, stage: str) -> str:
        return await _told(checking.check(self._source(), service, [stage]))

    def _source(self) -> Source:
        return Source(self.source, self.git, nonce() if self.fresh else "")

    def _access(self) -> Access:
        return Access(
            RegistryAccess(self.registry, self.registry_username, self.registry_token),
            ClusterAccess(self.kubeconfig, self.cluster),
        )


def _on_failure(*, fail_fast: bool) -> OnFailure:
    return OnFailure.STOP if fail_fast else OnFailure.FINISH
