"""NetworkPolicies, enforced: rules of nft in the namespace that routes the traffic of all pods."""

from drydock.cluster.network_policy.enforcer import PolicyEnforcer
from drydock.cluster.network_policy.members import INGRESS_NAMESPACE, Member
from drydock.cluster.network_policy.ruleset import World, ruleset

__all__ = ["INGRESS_NAMESPACE", "Member", "PolicyEnforcer", "World", "ruleset"]
