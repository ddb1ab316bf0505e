"""What a server fills in when a manifest leaves it out.

`default` is called on every body after decoding and before owners are computed; it changes the
object in place. One function per kind, registered by its qualified resource name.
"""

from drydock.cluster.defaulting.registry import default

from drydock.cluster.defaulting import config, network, pods, policy, workloads  # isort: skip

__all__ = ["config", "default", "network", "pods", "policy", "workloads"]
