"""The way in: a reverse proxy on this machine's loopback that reads Ingress objects as ingress-nginx does."""

from drydock.cluster.ingress.controller import Ingress

__all__ = ["Ingress"]
