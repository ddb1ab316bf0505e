"""A saved plan: a file that was looked at and approved, and may have been changed by anybody since.

Called before it is handed to the delivery, with the cluster's and git's credentials beside it: whatever decides where these go
must be what the environment says.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from pipelines.model import Environment, Service
from pipelines.stages.plan import DEPLOY, VERSION, longest

_REVISION = re.compile(r"(?:[0-9a-f]{40}|[0-9a-f]{64})?")
_DIGEST = r"@sha256:[0-9a-f]{64}"
_SIGNED = ("who", "approved_by")


class SavedPlanError(ValueError):
    """A file was given as a saved plan that is none of this environment; nothing was changed."""

    def __init__(self, problem: str) -> None:
        super().__init__(
            f"the saved plan cannot be delivered: {problem}. Nothing was changed. Make one with"
            " dagger call plan-release --env=NAME -o plan.json"
        )


def check_saved(environment: Environment, services: Iterable[Service], text: str) -> str:
    """Refuse a file that is no saved plan of an environment; return the revision that it was made from, or nothing.

    `services` are those that the environment runs. Raise SavedPlanError.
    """
    values = _read(text)
    meant = (values.get("environment"), values.get("namespace"))
    if meant != (environment.name, environment.namespace):
        told = f"it is for environment {meant[0]!r} in namespace {meant[1]!r}, not for"
        raise SavedPlanError(f"{told} {environment.name!r} in {environment.namespace!r}")
    _check_same(environment, values)
    _check_images(environment, services, values)
    for key in _SIGNED:
        if values.get(key):
            raise SavedPlanError(f"it names {key}, which only whoever applies it may say")
    revision = values.get("revision", "")
    if not isinstance(revision, str) or not _REVISION.fullmatch(revision):
        raise SavedPlanError(f"its revision {revision!r} is no commit's id")
    return revision


def _read(text: str) -> Mapping[str, Any]:
    try:
        values = json.loads(text)
    except ValueError as error:
        raise SavedPlanError(f"it is no JSON: {error}") from error
    if not isinstance(values, dict) or values.get("version") != VERSION:
        raise SavedPlanError(f"it is no plan of version {VERSION}")
    if values.get("action") != DEPLOY or not values.get("objects"):
        raise SavedPlanError("it holds no rendered objects")
    try:
        longest(text)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        told = f"{type(error).__name__}: {error}"
        raise SavedPlanError(
            f"services or times are missing or not as they must be: {told}"
        ) from error
    return values


def _check_same(environment: Environment, values: Mapping[str, Any]) -> None:
    """Refuse what would take credentials elsewhere than the environment says."""
    gitops = environment.gitops.values if environment.gitops else None
    said = {
        "mode": environment.mode.value,
        "gitops": gitops,
        "pull_secret": environment.pull_secret,
        "prometheus": environment.prometheus,
    }
    for key, expected in said.items():
        if values.get(key) != expected:
            told = f"its {key} is {values.get(key)!r}, but {environment.file} says {expected!r}"
            raise SavedPlanError(told)


def _check_images(
    environment: Environment, services: Iterable[Service], values: Mapping[str, Any]
) -> None:
    repositories = {each.name: environment.repository(each) for each in services}
    for each in values["services"]:
        name, image = each["name"], each.get("image")
        if name not in repositories:
            raise SavedPlanError(f"{environment.name!r} runs no service {name!r}")
        expected = re.escape(repositories[name]) + _DIGEST
        if not isinstance(image, str) or not re.fullmatch(expected, image):
            told = f"the image of {name} is {image!r}, not one of {repositories[name]} by digest"
            raise SavedPlanError(told)
