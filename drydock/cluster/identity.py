"""What the server itself writes into metadata: uid, time, generated names.

Used by every creation. Names are made of letters that spell no words, as a real server's are.
"""

from __future__ import annotations

import secrets
import uuid
from datetime import UTC, datetime

SAFE = "bcdfghjklmnpqrstvwxz2456789"
_LONGEST_BASE = 58


def now() -> str:
    """Return this second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def new_uid() -> str:
    """Return a fresh uid."""
    return str(uuid.uuid4())


def suffix(length: int = 5) -> str:
    """Return random letters for a name."""
    return "".join(secrets.choice(SAFE) for _ in range(length))


def generated(base: str) -> str:
    """Return a name made from `generateName`."""
    return base[:_LONGEST_BASE] + suffix()
