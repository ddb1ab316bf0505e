"""Who may do what: RBAC over stored roles, and the reviews that ask about it."""

from drydock.cluster.access.impersonation import acting_user
from drydock.cluster.access.rbac import Ask, Authorizer
from drydock.cluster.access.rules import bootstrap

__all__ = ["Ask", "Authorizer", "acting_user", "bootstrap"]
