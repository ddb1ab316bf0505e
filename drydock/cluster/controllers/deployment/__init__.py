"""The Deployment controller: rolling updates, revisions and the conditions of a rollout."""

from drydock.cluster.controllers.deployment.controller import DeploymentController

__all__ = ["DeploymentController"]
