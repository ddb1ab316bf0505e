"""The functions of Shipyard that move releases: forward, on, and back."""

from abc import ABC, abstractmethod
from typing import Annotated

import dagger
from dagger import Doc

from pipelines.flows import ship as shipping
from pipelines.flows.access import Access
from pipelines.flows.act import act
from pipelines.flows.pipeline import Source
from pipelines.functions import (
    ApprovedByArgument,
    ByArgument,
    EnvArgument,
    FailFastArgument,
    OnlyArgument,
    PlanArgument,
    ReasonArgument,
    RefArgument,
    SavedPlanArgument,
    SinceArgument,
    request,
    told,
    uncached,
)
from pipelines.model import Order


class Releases(ABC):
    """Releases of an environment; what they are made of and where they go is the main object's to say."""

    @abstractmethod
    def _source(self) -> Source: ...

    @abstractmethod
    def _access(self) -> Access: ...

    @uncached
    async def ship(
        self,
        env: EnvArgument,
        only: OnlyArgument = None,
        since: SinceArgument = "",
        ref: RefArgument = "",
        by: ByArgument = "",
        approved_by: ApprovedByArgument = "",
        reason: ReasonArgument = "",
        *,
        fail_fast: FailFastArgument = False,
        plan: PlanArgument = False,
    ) -> str:
        """Check, test, build, scan, publish, deploy and verify every service of an environment.

        What the environment forbids is refused before anything is built: its environment.yaml says which
        branches and tags it takes (refs), who may deliver (deployers), and whether somebody approves (approval).
        """
        wanted = request(only, since, fail_fast=fail_fast, plan=plan)
        order = Order(by=by, approved_by=approved_by, reason=reason, ref=ref)
        return await told(shipping.ship(self._source(), self._access(), env, wanted, order))

    @uncached
    async def publish(
        self,
        env: EnvArgument,
        only: OnlyArgument = None,
        ref: RefArgument = "",
        by: ByArgument = "",
        *,
        plan: PlanArgument = False,
    ) -> str:
        """Build, scan and push the images of an environment's services, from a commit that it takes."""
        access, wanted = self._access().registry, request(only, plan=plan)
        order = Order(by=by, ref=ref)
        return await told(shipping.publish(self._source(), access, env, wanted, order))

    @uncached
    async def deploy(
        self,
        env: EnvArgument,
        only: OnlyArgument = None,
        saved_plan: SavedPlanArgument = None,
        ref: RefArgument = "",
        by: ByArgument = "",
        approved_by: ApprovedByArgument = "",
        reason: ReasonArgument = "",
        *,
        dry_run: Annotated[
            bool, Doc("Tell what the cluster would make of it, as a diff; push and change nothing")
        ] = False,
        plan: PlanArgument = False,
    ) -> str:
        """Build, push and deliver without checking first; what does not come up is rolled back.

        With --saved-plan nothing is built: the file says every image and object, and is applied byte for byte.
        """
        source, access, wanted = self._source(), self._access(), request(only, plan=plan)
        order = Order(by=by, approved_by=approved_by, reason=reason, ref=ref)
        if saved_plan is not None:
            saved = shipping.apply(
                source, access, env, wanted, order, saved_plan, rehearsed=dry_run
            )
            return await told(saved)
        if dry_run:
            return await told(shipping.rehearse_release(source, access, env, wanted))
        return await told(shipping.deploy(source, access, env, wanted, order))

    @uncached
    async def plan_release(
        self,
        env: EnvArgument,
        only: OnlyArgument = None,
        ref: RefArgument = "",
        by: ByArgument = "",
        reason: ReasonArgument = "",
    ) -> dagger.File:
        """Do what ship does up to the delivery, and give its plan as a file, with every object it would apply.

        Look at it, have it approved, then: deploy --env=NAME --saved-plan=FILE --approved-by=WHO.
        """
        order = Order(by=by, ref=ref, reason=reason)
        work = shipping.plan_release(self._source(), self._access(), env, request(only), order)
        return await told(work)

    @uncached
    async def promote(
        self,
        env: EnvArgument,
        only: OnlyArgument = None,
        by: ByArgument = "",
        reason: ReasonArgument = "",
    ) -> str:
        """Send users to the release that waits on the idle colour, watch it, and go back if it does badly.

        For services with blue_green.promote: manual, whose delivery ends when the gates of the preview are passed.
        """
        order = Order(by=by, reason=reason)
        return await self._act("promote", env, only, order)

    @uncached
    async def abort(
        self,
        env: EnvArgument,
        only: OnlyArgument = None,
        by: ByArgument = "",
        reason: ReasonArgument = "",
    ) -> str:
        """Take away a release that users have not seen yet; what is live stays as it is."""
        order = Order(by=by, reason=reason)
        return await self._act("abort", env, only, order)

    @uncached
    async def rollback(
        self,
        env: EnvArgument,
        only: OnlyArgument = None,
        by: ByArgument = "",
        reason: ReasonArgument = "",
    ) -> str:
        """Go back to the release before the present one, and verify it.

        Of a blue-green service that is one write, as long as the release before is kept at work. It works
        in a frozen environment too, and is refused across a migration barrier or when it would undo a rollback.
        """
        order = Order(by=by, reason=reason)
        return await self._act("rollback", env, only, order)

    async def _act(
        self, action: str, env: str, only: list[str] | None, order: Order | None = None
    ) -> str:
        work = act(action, self._source(), self._access(), env, request(only), order)
        return await told(work)
