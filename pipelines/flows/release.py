"""A release of services to an environment, put on the board step by step.

Stages wait for those of their own service only, up to the publishing: nothing leaves the engine before
every stage of *all* services has passed, so that a release is whole or not made.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import dagger

from pipelines.flows import memory
from pipelines.flows.access import Access
from pipelines.flows.board import Verdict
from pipelines.flows.graph import Task
from pipelines.flows.images import add_builds, add_scans
from pipelines.flows.pipeline import Pipeline, Source
from pipelines.flows.plan import write_plan as write_stages
from pipelines.flows.selection import Choice, Request
from pipelines.flows.service_pipeline import ServicePipeline
from pipelines.flows.verdict import conclude
from pipelines.model import Environment, Order, Service, Status
from pipelines.stages.build import Built
from pipelines.stages.deliver import deliver, rehearse, save
from pipelines.stages.plan import DEPLOY
from pipelines.stages.plan import Release as Released
from pipelines.stages.plan import write_plan
from pipelines.stages.publish import publish_image
from pipelines.stages.reach import reach_servers
from pipelines.toolchains.deliverer import ClusterAccess

_SHORT = 12


class Release:
    """The steps; each is added once, in an order that the verbs of `ship.py` choose."""

    def __init__(
        self, source: Source, access: Access, choice: Choice, order: Order | None = None
    ) -> None:
        self._access = access
        self._environment = choice.environment
        self._slos = choice.slos
        self._order = order or Order()
        self._pipeline = Pipeline(source, choice.services)
        self._services = [ServicePipeline(self._pipeline, each) for each in choice.services]
        self._checked: dict[str, list[Task[Any]]] = {}
        self._built: dict[str, Task[Built]] = {}
        self._published: dict[str, Task[str]] = {}
        self._delivered: Task[str] | None = None
        self._rehearsed: Task[Any] | None = None

    def reach(self) -> list[Task[Any]]:
        """Ask first whether what it all ends in answers."""
        bound = self._access.bound()
        if not bound:
            return []
        board = self._pipeline.board
        return [board.preparation("", "reach", lambda: reach_servers(bound), fatal=True)]

    def ready(self) -> list[Task[Any]]:
        """Ask beside everything else whether the delivery would be let in; a no ends the run at once."""

        async def ask() -> str:
            services = self._pipeline.services
            named = [Released(each, self._environment.repository(each)) for each in services]
            plan = write_plan("preflight", self._environment, named, None, self._order, self._slos)
            return await deliver(plan, *self._destination, commits=False)

        reached, board = self.reach(), self._pipeline.board
        return [*reached, board.preparation("", "preflight", ask, needs=reached, fatal=True)]

    def checks(self) -> list[Task[Any]]:
        """Check every service."""
        self._checked = {each.service.name: each.check() for each in self._services}
        return [task for tasks in self._checked.values() for task in tasks]

    def images(self, *, scanned: bool) -> list[Task[Any]]:
        """Build every image, and scan it."""
        self._built = add_builds(self._services, self._checked)
        built = list(self._built.values())
        if not scanned:
            return built
        wanted = self._environment.advisories
        return [*built, *add_scans(self._pipeline, self._services, self._built, wanted)]

    def publish(self, gates: Sequence[Task[Any]]) -> None:
        """Push every image, after all gates."""
        self._published = {
            each.service.name: self._publish(each.service, gates) for each in self._services
        }

    def deliver(self) -> None:
        """Hand the published images to the cluster."""
        self._delivered = self._pipeline.board.stage(
            "",
            "deploy",
            self._hand_over,
            needs=self._published.values(),
            reproduce=f"dagger call deploy --env={self._environment.name}{self._only()}",
            judge=lambda told: Verdict(Status.PASSED, remark=told),
        )

    def rehearse(self) -> None:
        """Ask the cluster what it would make of the images that were built; push and change nothing."""
        self._rehearsed = self._pipeline.board.stage(
            "",
            "rehearse",
            lambda: rehearse(self._plan(self._references()), *self._destination),
            needs=[self._pipeline.commit, *self._built.values()],
            reproduce=f"dagger call deploy --env={self._environment.name}{self._only()} --dry-run",
            judge=lambda told: Verdict(Status.PASSED, remark=told),
        )

    def save(self) -> Task[dagger.File]:
        """Keep the plan of the published images, as the cluster judged it."""
        return self._pipeline.board.stage(
            "",
            "plan",
            lambda: save(self._plan(self._pushed()), *self._destination),
            needs=[self._pipeline.commit, *self._published.values()],
            reproduce=f"dagger call plan-release --env={self._environment.name}{self._only()}",
        )

    async def run(self, verb: str, request: Request) -> str:
        """Run the board and conclude, or tell what would be run."""
        title = f"Shipyard {verb} {self._environment.name}"
        board, fresh = self._pipeline.board, bool(self._pipeline.source.fresh)
        if request.plan:
            return await write_stages(title, board)
        results = await memory.run(board, request.on_failure, fresh=fresh)
        return await conclude(title, results, self._ending())

    def _publish(self, service: Service, gates: Sequence[Task[Any]]) -> Task[str]:
        pipeline, environment = self._pipeline, self._environment
        return pipeline.board.stage(
            service.name,
            "publish",
            lambda: publish_image(
                service,
                self._built[service.name].result,
                environment,
                pipeline.commit.result,
                self._access.registry,
                pipeline.builder.result,
            ),
            needs=gates,
            reproduce=f"dagger call publish --env={environment.name} --only={service.name}",
            judge=lambda reference: Verdict(Status.PASSED, short(reference)),
        )

    async def _hand_over(self) -> str:
        plan = self._plan(self._pushed())
        return await deliver(plan, *self._destination, order=self._order)

    @property
    def _destination(self) -> tuple[Environment, dagger.Directory, ClusterAccess]:
        manifests = self._pipeline.source.files.directory("manifests")
        return self._environment, manifests, self._access.cluster

    def _plan(self, references: Mapping[str, str]) -> str:
        released = [Released(each, references[each.name]) for each in self._pipeline.services]
        commit = self._pipeline.commit.result
        return write_plan(DEPLOY, self._environment, released, commit, self._order, self._slos)

    def _pushed(self) -> dict[str, str]:
        return {name: task.result for name, task in self._published.items()}

    def _references(self) -> dict[str, str]:
        """Name the images as they will be called once they are pushed."""
        return {
            name: built.result.image.reference(self._environment.repository(built.result.service))
            for name, built in self._built.items()
        }

    def _only(self) -> str:
        """Name the services, if they are not all of the environment's."""
        names = [service.name for service in self._pipeline.services]
        return "" if set(names) == set(self._environment.services) else f" --only={','.join(names)}"

    def _ending(self) -> str:
        """Name what was published, and where it runs if it was delivered."""
        if self._rehearsed:
            return "Nothing was changed."
        if self._delivered:
            return f"{self._environment.name} runs this at {self._environment.url}"
        images = (f"  {task.outcome}" for task in self._published.values())
        return "\n".join([f"{self._environment.registry} has this now:", *images])


def short(reference: str) -> str:
    """Shorten a reference by digest to what people tell apart."""
    repository, _, digest = reference.partition("@sha256:")
    return f"{repository}@{digest[:_SHORT]}"
