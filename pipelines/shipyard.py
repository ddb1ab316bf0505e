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

from pipelines.catalog import DocumentError, NotShippedError, UnknownNameError, read_catalog
from pipelines.flows import check as checking
from pipelines.flows import ship as shipping
from pipelines.flows.access import Access, AccessError
from pipelines.flows.build import build_layouts
from pipelines.flows.fix import fix_formatting
from pipelines.flows.graph import OnFailure
from pipelines.flows.pipeline import Source
from pipelines.flows.report import write_reports
from pipelines.flows.selection import Request
from pipelines.flows.serve import serve, serve_all
from pipelines.flows.verdict import VerdictError
from pipelines.stages.changes import UnknownRevisionError
from pipelines.toolchains.kubectl import ClusterAccess
from pipelines.toolchains.registry import RegistryAccess
from pipelines.toolchains.run import nonce

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

EnvArgument = Annotated[str, Doc("Environment to act on: a folder below manifests/environments")]
ServiceArgument = Annotated[str, Doc("Only this service: a folder below services; all when empty")]
OnlyArgument = Annotated[
    list[str] | None, Doc("Only these services: folders below services; all when not given")
]
SinceArgument = Annotated[
    str, Doc("Only services that differ from this revision, e.g. origin/main; all when empty")
]
PlanArgument = Annotated[
    bool, Doc("Print the stages, what they wait for and what is known; run nothing")
]
FailFastArgument = Annotated[bool, Doc("Stop everything at the first failure")]


def uncached(func: F) -> F:
    """Expose a function that the engine calls every time.

    The decorator's overloads do not know its own `cache` argument, hence the detour.
    """
    decorate: Callable[..., Callable[[F], F]] = function
    return decorate(cache="never")(func)


_READABLE = (
    NotShippedError,
    UnknownNameError,
    UnknownRevisionError,
    DocumentError,
    AccessError,
    VerdictError,
)


async def _told(work: Awaitable[T]) -> T:
    """Turn what people should read into a message without a traceback."""
    try:
        return await work
    except _READABLE as error:
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
                "**/.angular",
                "services/*/dist",
                "services/*/reports",
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
        """Check formatting: Black and isort, or Prettier."""
        return await self._check(service, "format")

    @uncached
    @dagger.check
    async def lint(self, service: ServiceArgument = "") -> str:
        """Check the code against rules: flake8, ESLint, `ng lint` or, for a Dockerfile, hadolint."""
        return await self._check(service, "lint")

    @uncached
    @dagger.check
    async def types(self, service: ServiceArgument = "") -> str:
        """Check the types: mypy, TypeScript or Angular's compiler."""
        return await self._check(service, "types")

    @uncached
    @dagger.check
    async def test(self, service: ServiceArgument = "") -> str:
        """Run the tests with coverage, which must reach the service's threshold."""
        return await self._check(service, "test")

    @uncached
    @dagger.check
    async def sast(self, service: ServiceArgument = "") -> str:
        """Analyse the code for dangerous constructs."""
        return await self._check(service, "sast")

    @uncached
    @dagger.check
    async def audit(self, service: ServiceArgument = "") -> str:
        """Ask the package registries whether dependencies have known vulnerabilities."""
        return await self._check(service, "audit")

    @uncached
    @dagger.check
    async def secrets(self, service: ServiceArgument = "") -> str:
        """Search the files for keys, tokens and passwords with Trivy."""
        return await self._check(service, "secrets")

    @uncached
    @dagger.check
    async def misconfiguration(self, service: ServiceArgument = "") -> str:
        """Check Dockerfiles and manifests for unsafe settings with Trivy."""
        return await self._check(service, "misconfiguration")

    @uncached
    async def check(
        self,
        only: OnlyArgument = None,
        since: SinceArgument = "",
        *,
        fail_fast: FailFastArgument = False,
        plan: PlanArgument = False,
    ) -> str:
        """Run every quality stage of every service at once: format, lint, types, tests, security."""
        request = _request(only, since, fail_fast=fail_fast, plan=plan)
        return await _told(checking.check(self._source(), request))

    @uncached
    @dagger.generate
    async def formatting(self, service: ServiceArgument = "") -> dagger.Changeset:
        """Format the code: give the changes that `format` asks for."""
        return await _told(fix_formatting(self._source(), _named(service)))

    @uncached
    async def build(self, service: ServiceArgument = "") -> dagger.Directory:
        """Build the images: one OCI layout per service, the same bytes on every machine."""
        return await _told(build_layouts(self._source(), _named(service)))

    @uncached
    @dagger.check
    async def scan(self, service: ServiceArgument = "") -> str:
        """Scan the images for vulnerabilities and secrets with Trivy."""
        return await _told(checking.scan(self._source(), _named(service)))

    @uncached
    async def report(
        self, only: OnlyArgument = None, since: SinceArgument = ""
    ) -> dagger.Directory:
        """Check, build and scan, and give what the tools reported as files, also when some failed.

        Per service: junit.xml, coverage.xml (Cobertura), lcov.info, *.sarif and each stage's words;
        for the whole: report.json and summary.txt.
        """
        return await _told(write_reports(self._source(), _request(only, since)))

    @uncached
    async def serve(
        self, service: Annotated[str, Doc("The service to run: a folder below services")]
    ) -> dagger.Service:
        """Run one service's image at its port, with those that it depends on."""
        return await _told(serve(self._source(), service))

    @uncached
    @dagger.up
    async def everything(self) -> dagger.Service:
        """Run the images of all services, each at its port plus 10000, e.g. 15000 for 5000."""
        return await _told(serve_all(self._source()))

    @uncached
    async def publish(
        self, env: EnvArgument, only: OnlyArgument = None, *, plan: PlanArgument = False
    ) -> str:
        """Build, scan and push the images of an environment's services."""
        access, request = self._access().registry, _request(only, plan=plan)
        return await _told(shipping.publish(self._source(), access, env, request))

    @uncached
    async def deploy(
        self, env: EnvArgument, only: OnlyArgument = None, *, plan: PlanArgument = False
    ) -> str:
        """Build, push and deliver without checking first; rolls back what does not come up."""
        request = _request(only, plan=plan)
        return await _told(shipping.deploy(self._source(), self._access(), env, request))

    @uncached
    async def ship(
        self,
        env: EnvArgument,
        only: OnlyArgument = None,
        since: SinceArgument = "",
        *,
        fail_fast: FailFastArgument = False,
        plan: PlanArgument = False,
    ) -> str:
        """Check, test, build, scan, publish, deploy and verify every service of an environment."""
        request = _request(only, since, fail_fast=fail_fast, plan=plan)
        return await _told(shipping.ship(self._source(), self._access(), env, request))

    @uncached
    async def status(self, env: EnvArgument, only: OnlyArgument = None) -> str:
        """Show what runs in an environment."""
        return await _told(
            shipping.look("status", self._source(), self._access(), env, _request(only))
        )

    @uncached
    async def rollback(self, env: EnvArgument, only: OnlyArgument = None) -> str:
        """Go back to the revision before the present one and verify it."""
        request = _request(only)
        return await _told(shipping.look("rollback", self._source(), self._access(), env, request))

    @function
    async def services(self) -> list[str]:
        """List the services of the repository."""
        return sorted((await _told(read_catalog(self.source))).services)

    @function
    async def environments(self) -> list[str]:
        """List the environments of the repository."""
        return sorted((await _told(read_catalog(self.source))).environments)

    async def _check(self, service: str, stage: str) -> str:
        return await _told(checking.check(self._source(), _request(_named(service)), [stage]))

    def _source(self) -> Source:
        return Source(self.source, self.git, nonce() if self.fresh else "")

    def _access(self) -> Access:
        return Access(
            RegistryAccess(self.registry, self.registry_username, self.registry_token),
            ClusterAccess(self.kubeconfig, self.cluster),
        )


def _named(service: str) -> list[str]:
    return [service] if service else []


def _request(
    only: list[str] | None, since: str = "", *, fail_fast: bool = False, plan: bool = False
) -> Request:
    return Request(
        only=tuple(only or ()),
        since=since,
        plan=plan,
        on_failure=OnFailure.STOP if fail_fast else OnFailure.FINISH,
    )
