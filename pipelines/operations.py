"""The functions of Shipyard that look after an environment: how it is, and what to do about it."""

from typing import Annotated

from dagger import Doc

from pipelines.flows.act import DISTURBANCES, bound_chaos, bound_cleanup
from pipelines.functions import (
    ApprovedByArgument,
    ByArgument,
    EnvArgument,
    OnlyArgument,
    readable,
    request,
    uncached,
)
from pipelines.model import Order
from pipelines.releases import Releases


class Operations(Releases):
    """Looking after a whole environment, each in one command."""

    @uncached
    async def status(self, env: EnvArgument, only: OnlyArgument = None) -> str:
        """Show what runs in an environment: versions, pods, colours, what waits, and whether it is frozen."""
        return await self._act("status", env, only)

    @uncached
    async def history(self, env: EnvArgument, only: OnlyArgument = None) -> str:
        """Show the last deliveries of each service: who, which commit, verdict, gates with their numbers."""
        return await self._act("history", env, only)

    @uncached
    async def health(self, env: EnvArgument, only: OnlyArgument = None) -> str:
        """Ask everything in an environment whether it is well; exit code 7 when something is not."""
        return await self._act("health", env, only)

    @uncached
    async def preflight(self, env: EnvArgument, only: OnlyArgument = None) -> str:
        """Tell whether a delivery would find what it needs: cluster, rights, pull secret, quota; change nothing."""
        return await self._act("preflight", env, only)

    @uncached
    async def freeze(
        self,
        env: EnvArgument,
        reason: Annotated[str, Doc("Why; whoever is held up reads it")],
        by: ByArgument = "",
    ) -> str:
        """Let nothing new into an environment until unfreeze; rollback and abort still work."""
        return await self._act("freeze", env, None, Order(by=by, reason=reason))

    @uncached
    async def unfreeze(self, env: EnvArgument, by: ByArgument = "") -> str:
        """Let new releases into an environment again."""
        return await self._act("unfreeze", env, None, Order(by=by))

    @uncached
    async def cleanup(
        self,
        env: EnvArgument,
        only: OnlyArgument = None,
        by: ByArgument = "",
        approved_by: ApprovedByArgument = "",
        *,
        everything: Annotated[
            bool, Doc("Delete every object that deliveries made in the environment's namespace")
        ] = False,
        yes: Annotated[
            bool,
            Doc("With --everything: delete, after having read what; it is only listed without"),
        ] = False,
    ) -> str:
        """Scale down what is past its window: releases that nobody goes back to, previews that nobody promoted.

        With --everything the environment is emptied. Nothing outside of its namespace is ever touched.
        """
        order = Order(by=by, approved_by=approved_by)
        with readable():
            order = bound_cleanup(order, request(only), everything=everything, confirmed=yes)
        return await self._act("cleanup", env, only, order)

    @uncached
    async def chaos(
        self,
        env: EnvArgument,
        only: OnlyArgument = None,
        kinds: Annotated[
            list[str] | None, Doc(f"Only these: {', '.join(DISTURBANCES)}; all when not given")
        ] = None,
        seconds: Annotated[int, Doc("How long each may take at most")] = 120,
        rate: Annotated[int, Doc("Requests a second that users send meanwhile")] = 20,
        by: ByArgument = "",
        approved_by: ApprovedByArgument = "",
    ) -> str:
        """Kill pods, restart services and drain nodes under load, and tell whether users noticed.

        Exit code 7 when they did. Nothing is left behind: what was disturbed comes back by itself.
        """
        order = Order(by=by, approved_by=approved_by)
        with readable():
            order = bound_chaos(order, kinds or [], seconds, rate)
        return await self._act("chaos", env, only, order)
