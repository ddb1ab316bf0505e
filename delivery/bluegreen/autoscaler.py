"""The autoscaler of a blue-green application follows the live colour.

Its manifest names the Deployment NAME. It is applied for the colour that is live, and pointed anew after
every switch. Best effort: one that looks at the wrong colour for a while takes no pods from users.
"""

from delivery.bluegreen.colours import side_name
from delivery.bluegreen.facts import Facts
from delivery.bluegreen.writer import Writer
from delivery.cluster import FORBIDDEN, NOT_FOUND, ApiError, Obj
from delivery.progress import say

KIND = "HorizontalPodAutoscaler"
NONE_OF_OURS = frozenset({FORBIDDEN, NOT_FOUND})


def scales(obj: Obj, name: str) -> bool:
    """Tell whether an object is the autoscaler of a Deployment."""
    target = (obj.get("spec") or {}).get("scaleTargetRef") or {}
    return bool(obj["kind"] == KIND and target.get("name") == name)


def pointed(obj: Obj, name: str, facts: Facts) -> Obj:
    """Make the autoscaler of the live colour, or of the first one when none is live."""
    colour = facts.live or facts.target
    target = {**obj["spec"]["scaleTargetRef"], "name": side_name(name, colour)}
    return {**obj, "spec": {**obj["spec"], "scaleTargetRef": target}}


def follow(writer: Writer, facts: Facts) -> None:
    """Point the application's autoscalers at the live colour; tell when that fails.

    Who may not even list them has none: a release that brings one needs the right to apply it.
    """
    app = writer.app
    if facts.live is None:
        return
    folder = f"/apis/autoscaling/v2/namespaces/{app.namespace}/horizontalpodautoscalers"
    wanted = side_name(app.name, facts.live)
    other = side_name(app.name, facts.live.other)
    try:
        for found in writer.cluster.items(folder):
            if scales({**found, "kind": KIND}, other):
                name = found["metadata"]["name"]
                body = {"spec": {"scaleTargetRef": {"name": wanted}}}
                writer.cluster.request("PATCH", f"{folder}/{name}", body)
    except ApiError as error:
        if error.status in NONE_OF_OURS:
            return
        say(f"{app.name}: the autoscaler does not follow to {wanted}: {error}")
