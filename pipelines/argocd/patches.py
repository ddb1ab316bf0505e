"""What Argo CD must know of single objects, as patches of its Application: the overlays themselves stay free of it.

Where a delivery applies (`mode: apply`), the digests are not in git, so that Deployments are not Argo CD's to apply:
it would put the bare name in the place of an image. It skips them, and leaves ConfigMaps that running pods still refer to.
Where git is what counts (`mode: gitops`), waves keep the order that services have among each other.
"""

from collections.abc import Iterable

import yaml

from pipelines.model import Environment, Mode, Service

HOOK, WAVE = "argocd.argoproj.io/hook", "argocd.argoproj.io/sync-wave"
SYNC, COMPARE = "argocd.argoproj.io/sync-options", "argocd.argoproj.io/compare-options"
FIRST = ("ConfigMap", "ServiceAccount")
LAST = "Ingress"
Patch = dict[str, object]


def patches(environment: Environment, services: Iterable[Service]) -> list[Patch]:
    """List the patches of an environment's Application."""
    if environment.mode is Mode.APPLY:
        kept = {SYNC: "Prune=false", COMPARE: "IgnoreExtraneous"}
        return [_noted("Deployment", {HOOK: "Skip"}), _noted("ConfigMap", kept)]
    waves = depths(services)
    found = [_noted(kind, {WAVE: "-1"}) for kind in FIRST]
    found += [_noted("Deployment", {WAVE: str(wave)}, name) for name, wave in waves.items()]
    return [*found, _noted(LAST, {WAVE: str(max(waves.values(), default=0) + 1)})]


def depths(services: Iterable[Service]) -> dict[str, int]:
    """Tell how many services must be there before each one, in the longest row."""
    needed = {service.name: service.dependencies for service in services}

    def depth(name: str) -> int:
        return max((depth(each) + 1 for each in needed[name] if each in needed), default=0)

    return {name: depth(name) for name in needed}


def _noted(kind: str, notes: dict[str, str], name: str = "") -> Patch:
    """Annotate the objects of a kind, or the one of a name; kustomize goes by the target, not by the patch's own name."""
    group = {"Deployment": "apps/v1", "Ingress": "networking.k8s.io/v1"}.get(kind, "v1")
    metadata = {"name": name or "any", "annotations": notes}
    text = yaml.safe_dump(
        {"apiVersion": group, "kind": kind, "metadata": metadata}, sort_keys=False
    )
    target = {"kind": kind, "name": name} if name else {"kind": kind}
    return {"target": target, "patch": text}
