"""What an environment lets in: who may deliver, with whose approval, from which branch or tag.

Asked before anything is built. It keeps people from mistakes; what keeps others out are the rights that the
cluster and the registry give.
"""

from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from pipelines.flows.pipeline import Source
from pipelines.model import Approval, Environment, Order, Service, Standing
from pipelines.stages.standing import (
    read_standing,
    read_standing_of,
    short_ref,
    who_works_here,
)
from pipelines.toolchains import debian

_NAMED = 5
"""Files that a refusal names."""


class AdmissionError(Exception):
    """An environment's rule forbids it; nothing was built or changed. The message names rule and way out."""

    def __init__(self, environment: Environment, what: str, rule: str, way_out: str) -> None:
        super().__init__(
            f"{environment.name}: {what}. Nothing was built or changed.\n"
            f"  Rule: {rule} ({environment.file}).\n"
            f"  Way out: {way_out}."
        )


async def admit(
    source: Source, environment: Environment, services: Sequence[Service], order: Order
) -> Order:
    """Let something new in, or raise AdmissionError; return the order with the name of who asks.

    Approval comes last: nobody is asked to approve what could not come in anyway.
    """
    asked = await introduce(source, environment, services, order)
    check_approval(environment, asked)
    return asked


async def introduce(
    source: Source, environment: Environment, services: Sequence[Service], order: Order
) -> Order:
    """Let somebody prepare something new, of which nothing is delivered yet; as `admit`, but for the approval."""
    asked = await name(source, environment, order)
    await check_commit(source, environment, services, order)
    return asked


async def permit(source: Source, environment: Environment, order: Order) -> Order:
    """Let somebody bring in something new, or raise AdmissionError; return the order with their name."""
    asked = await name(source, environment, order)
    check_approval(environment, asked)
    return asked


async def name(source: Source, environment: Environment, order: Order) -> Order:
    """Name who asks, if the order does not, and refuse who may not deliver; raise AdmissionError."""
    by = order.by or await who_works_here(source.git)
    check_deployer(environment, by)
    return replace(order, by=by)


async def check_commit(
    source: Source, environment: Environment, services: Sequence[Service], order: Order
) -> None:
    """Refuse a commit that the environment does not take, and a ref that is none; raise AdmissionError."""
    if order.ref and not short_ref(order.ref):
        raise _no_ref(environment, order.ref)
    if environment.refs:
        builder = debian.builder(source.fresh)
        standing = await read_standing(builder, source.git, source.files, environment, services)
        check_ref(environment, standing, order.ref)


async def check_planned(source: Source, environment: Environment, revision: str) -> str:
    """Refuse the commit of a saved plan that the environment does not take; raise AdmissionError.

    Return what there is to say about it: git need not have it here.
    """
    if not environment.refs:
        return ""
    standing = Standing(revision="")
    if revision:
        builder = debian.builder(source.fresh)
        standing = await read_standing_of(revision, builder, source.git, source.files)
    return judge_planned(environment, standing, revision)


def judge_planned(environment: Environment, standing: Standing, revision: str) -> str:
    """Do so with what git told; a branch may have moved on since the plan was made."""
    if not revision or standing.revision:
        check_ref(environment, replace(standing, at=standing.at | standing.within))
        return ""
    refs = ", ".join(environment.refs)
    return f"The plan is of commit {revision}, which git does not have here: it was not asked whether that is {refs}.\n"


def check_deployer(environment: Environment, by: str) -> None:
    """Refuse who is not among those that may deliver; raise AdmissionError."""
    if environment.deployers and by not in environment.deployers:
        raise AdmissionError(
            environment,
            f"{by} may not deliver here" if by else "it is not known who delivers",
            f"deployers are {', '.join(environment.deployers)}",
            "ask one of them; if you are one: --by=NAME. A name is added to `deployers`",
        )


def check_approval(environment: Environment, order: Order) -> None:
    """Refuse what nobody said yes to; raise AdmissionError."""
    if environment.approval is Approval.REQUIRED and not order.approved_by.strip():
        raise AdmissionError(
            environment,
            "nobody has approved this",
            "approval: required",
            "have somebody look at it, and name them: --approved-by=NAME",
        )


def check_ref(environment: Environment, standing: Standing, claimed: str = "") -> None:
    """Refuse what is no commit of a ref that the environment takes; raise AdmissionError.

    Without a claim every branch and tag counts that points at the commit. A claimed one must not be contradicted
    by git: a tag has to be at the commit, a branch has to contain it, as far as history goes back here.
    """
    rule = f"refs are {', '.join(environment.refs)}"
    if not standing.revision:
        raise AdmissionError(
            environment,
            "this is no commit: git finds none here, or it lies elsewhere (a linked work tree)",
            rule,
            "run it in a clone of the repository",
        )
    refs = {_claim(environment, standing, claimed, rule)} if claimed else standing.at
    if not any(fnmatchcase(ref, pattern) for ref in refs for pattern in environment.refs):
        has = ", ".join(sorted(refs)) or "no branch and no tag"
        raise AdmissionError(
            environment,
            f"commit {standing.short} is {has}",
            rule,
            "check out what is taken here, or bring the commit there: merge it, or tag it and push the tag",
        )
    if standing.differing:
        others = len(standing.differing) - _NAMED
        told = ", ".join(standing.differing[:_NAMED]) + (f" and {others} more" * (others > 0))
        raise AdmissionError(
            environment,
            f"files are not those of commit {standing.short}: {told}",
            f"{rule}, so only what is committed gets in",
            "commit the changes, or put them away with git stash",
        )


def _claim(environment: Environment, standing: Standing, claimed: str, rule: str) -> str:
    ref = short_ref(claimed)
    if not ref:
        raise _no_ref(environment, claimed)
    unseen = ref not in standing.known or standing.partial
    borne_out = ref in standing.at | standing.within or (unseen and ref.startswith("branch:"))
    if not borne_out:
        raise AdmissionError(
            environment,
            f"commit {standing.short} is not {ref}, whatever --ref says",
            rule,
            "check that ref out; git fetch --tags gets what is missing here",
        )
    return ref


def _no_ref(environment: Environment, claimed: str) -> AdmissionError:
    refs = ", ".join(environment.refs) or "not restricted"
    return AdmissionError(
        environment,
        f"--ref={claimed} is neither a branch nor a tag",
        f"refs are {refs}",
        "give it as branch:NAME, tag:NAME, refs/heads/NAME or refs/tags/NAME",
    )
