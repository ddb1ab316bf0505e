"""The node: pods as containers of the runtime, a client of the API like any other."""

from drydock.cluster.kubelet.kubelet import Kubelet
from drydock.cluster.kubelet.room import NodeRuntime

__all__ = ["Kubelet", "NodeRuntime"]
