"""What a node says of its pods, and what others read from it."""

from tests.delivery.memory.store import Obj


def ready(pod: Obj) -> bool:
    """Tell whether an endpoints controller would count a pod."""
    conditions = pod.get("status", {}).get("conditions", [])
    up = any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
    return up and not pod["metadata"].get("deletionTimestamp")


def image_of(pod: Obj) -> str:
    """Name the image of a pod."""
    return str(pod["spec"]["containers"][0]["image"])


def running(name: str, *, up: bool) -> Obj:
    """Say that a pod runs, and whether it is ready."""
    address = f"10.0.0.{sum(name.encode()) % 250 + 1}"
    return {
        "phase": "Running",
        "podIP": address,
        "conditions": [{"type": "Ready", "status": "True" if up else "False"}],
        "containerStatuses": [
            {"name": "main", "ready": up, "restartCount": 0, "state": {"running": {}}}
        ],
    }


def crashing(image: str) -> Obj:
    """Say that a pod ends again and again."""
    waiting = {"waiting": {"reason": "CrashLoopBackOff", "message": f"{image} crashes"}}
    status = {"name": "main", "ready": False, "restartCount": 3, "state": waiting}
    return {"phase": "Running", "containerStatuses": [status]}
