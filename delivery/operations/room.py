"""The room of a namespace, for people: what of each quota is used. Pure."""

from delivery.cluster import Obj


def used_of(quota: Obj) -> list[str]:
    """Write what of a quota is used, by resource."""
    status = quota.get("status", {})
    used = status.get("used", {})
    return [
        f"{name} {used.get(name, 0)} of {hard}" for name, hard in status.get("hard", {}).items()
    ]
