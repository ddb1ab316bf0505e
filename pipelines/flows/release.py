"""A release of services to an environment, put on the board step by step.

Stages wait for those of their own service only, up to the publishing: nothing leaves the engine before
every stage of *all* services has passed, so that a release is whole or not made.
"""

from collections.abc import Sequence
from typing import Any

from pipelines.flows import memory
from pipelines.flows.access import Access
from pipelines.flows.board import Verdict
from pipelines.flows.graph import Task
from pipelines.flows.images import add_builds, add_scans
from pipelines.flows.pipeline import Pipeline, Source
from pipelines.flows.plan import write_plan as write_stages
from pipelines.flows.selection import Request
from pipelines.flows.service_pipeline import ServicePipeline
from pipelines.flows.verdict import conclude
from pipelines.model import Environment, Service, Status
from pipelines.stages.build import Built
from pipelines.stages.deliver import Release as Delivered
from pipelines.stages.deliver import deliver, write_plan
from pipelines.stages.publish import publish_image
from pipelines.stages.reach import reach_servers

_SHORT = 12


class Release:
    """The steps; each is added once, in an order that the verbs of `ship.py` choose."""

    def __init__(
        self, source: Source, access: Access, environment: Environment, chosen: Sequence[Service]
    ) -> None:
        self._access = access
        self._environment = environment
        self._pipeline = Pipeline(source, chosen)
        self._services = [ServicePipeline(self._pipeline, service) for service in chosen]
        self._checked: dict[str, list[Task[Any]]] = {}
        self._built: dict[str, Task[Built]] = {}
        self._published: dict[str, Task[str]] = {}
        self._delivered: Task[str] | None = None

    def reach(self) -> list[Task[Any]]:
        """Ask first whether what it all ends in answers."""
        bound = self._access.bound()
        if not bound:
            return []
        board = self._pipeline.board
        return [board.preparation("", "reach", lambda: reach_servers(bound), fatal=True)]

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
        pipeline, environment = self._pipeline, self._environment
        released = [
            Delivered(each, self._published[each.name].result) for each in pipeline.services
        ]
        plan = write_plan("deploy", environment, released, pipeline.commit.result)
        manifests = pipeline.source.files.directory("manifests")
        return await deliver(plan, environment, manifests, self._access.cluster)

    def _only(self) -> str:
        """Name the services, if they are not all of the environment's."""
        names = [service.name for service in self._pipeline.services]
        return "" if set(names) == set(self._environment.services) else f" --only={','.join(names)}"

    def _ending(self) -> str:
        """Name what was published, and where it runs if it was delivered."""
        if self._delivered:
            return f"{self._environment.name} runs this at {self._environment.url}"
        images = (f"  {task.outcome}" for task in self._published.values())
        return "\n".join([f"{self._environment.registry} has this now:", *images])


def short(reference: str) -> str:
    """Shorten a reference by digest to what people tell apart."""
    repository, _, digest = reference.partition("@sha256:")
    return f"{repository}@{digest[:_SHORT]}"
