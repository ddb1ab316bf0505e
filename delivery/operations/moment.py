"""Moments as Kubernetes writes them: to the second, or to the microsecond. Pure."""

from datetime import datetime


def moment_of(text: object) -> datetime | None:
    """Read a moment; None when there is none, or nothing that is one."""
    if not isinstance(text, str) or not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None


def ago(seconds: float) -> str:
    """Write how long ago something was."""
    if seconds < 90:
        return f"{max(0, seconds):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.0f} h"
