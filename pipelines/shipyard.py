"""Shipyard: one call checks, tests, builds, scans, publishes, deploys and verifies every service.

    dagger call ship --env=staging

What runs is the same on a laptop and in CI. The docstrings here are the help that the command line
shows. Every function that runs a tool is called anew each time; what stands below it, the commands,
is cached by the engine, except those with effects.
"""

from typing import Annotated

import dagger
from dagger import DefaultPath, Doc, Ignore, function, object_type

from pipelines.catalog import read_catalog
from pipelines.flows import check as checking
from pipelines.flows.access import Access
from pipelines.flows.build import build_layouts
from pipelines.flows.derive import derive_manifests
from pipelines.flows.fix import fix_formatting
from pipelines.flows.pipeline import Source
from pipelines.flows.report import write_reports
from pipelines.flows.serve import serve, serve_all
from pipelines.functions import (
    FailFastArgument,
    OnlyArgument,
    PlanArgument,
    ServiceArgument,
    SinceArgument,
    request,
    told,
    uncached,
)
from pipelines.operations import Operations
from pipelines.toolchains.deliverer import ClusterAccess
from pipelines.toolchains.git_access import GitAccess
from pipelines.toolchains.registry import RegistryAccess
from pipelines.toolchains.run import nonce


@object_type
class Shipyard(Operations):
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
            [
                "*",
                "!.git/HEAD",
                "!.git/logs/HEAD",
                "!.git/objects",
                "!.git/packed-refs",
                "!.git/refs",
                "!.git/shallow",
            ]
        ),
        Doc("Where commit, time, branches and tags are read; git's configuration stays outside"),
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
    git_username: Annotated[
        str, Doc("Who pushes to the repository of an environment in mode gitops; most need no name")
    ] = ""
    git_token: Annotated[
        dagger.Secret | None, Doc("Token that may push there, e.g. env:GIT_TOKEN")
    ] = None
    git_key: Annotated[
        dagger.Secret | None, Doc("SSH key that may push there, where its address is one of ssh")
    ] = None
    git_known_hosts: Annotated[
        dagger.File | None,
        Doc("With it: the host keys that are believed, as ssh-keyscan writes them"),
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
        wanted = request(only, since, fail_fast=fail_fast, plan=plan)
        return await told(checking.check(self._source(), wanted))

    @uncached
    @dagger.generate
    async def formatting(self, service: ServiceArgument = "") -> dagger.Changeset:
        """Format the code: give the changes that `format` asks for."""
        return await told(fix_formatting(self._source(), _named(service)))

    @uncached
    @dagger.generate
    async def derived(self) -> dagger.Changeset:
        """Make the manifests that follow from the catalogue: alerts, dashboards, Argo CD's Applications."""
        return await told(derive_manifests(self._source()))

    @uncached
    async def build(self, service: ServiceArgument = "") -> dagger.Directory:
        """Build the images: one OCI layout per service, the same bytes on every machine."""
        return await told(build_layouts(self._source(), _named(service)))

    @uncached
    @dagger.check
    async def scan(self, service: ServiceArgument = "") -> str:
        """Scan the images for vulnerabilities and secrets with Trivy."""
        return await told(checking.scan(self._source(), _named(service)))

    @uncached
    async def report(
        self, only: OnlyArgument = None, since: SinceArgument = ""
    ) -> dagger.Directory:
        """Check, build and scan, and give what the tools reported as files, also when some failed.

        Per service: junit.xml, coverage.xml (Cobertura), lcov.info, *.sarif and each stage's words;
        for the whole: report.json and summary.txt.
        """
        return await told(write_reports(self._source(), request(only, since)))

    @uncached
    async def serve(
        self, service: Annotated[str, Doc("The service to run: a folder below services")]
    ) -> dagger.Service:
        """Run one service's image at its port, with those that it depends on."""
        return await told(serve(self._source(), service))

    @uncached
    @dagger.up
    async def everything(self) -> dagger.Service:
        """Run the images of all services, each at its port plus 10000, e.g. 15000 for 5000."""
        return await told(serve_all(self._source()))

    @function
    async def services(self) -> list[str]:
        """List the services of the repository."""
        return sorted((await told(read_catalog(self.source))).services)

    @function
    async def environments(self) -> list[str]:
        """List the environments of the repository."""
        return sorted((await told(read_catalog(self.source))).environments)

    async def _check(self, service: str, stage: str) -> str:
        return await told(checking.check(self._source(), request(_named(service)), [stage]))

    def _source(self) -> Source:
        return Source(self.source, self.git, nonce() if self.fresh else "")

    def _access(self) -> Access:
        git = GitAccess(self.git_token, self.git_username, self.git_key, self.git_known_hosts)
        return Access(
            RegistryAccess(self.registry, self.registry_username, self.registry_token),
            ClusterAccess(self.kubeconfig, self.cluster, git),
        )


def _named(service: str) -> list[str]:
    return [service] if service else []
