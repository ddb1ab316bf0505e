"""Writing to one application: every write hangs on what was looked at, or on an object's absence."""

from dataclasses import dataclass

from delivery.bluegreen.application import Application
from delivery.clock import Clock, write_time
from delivery.cluster import Cluster, Obj

SWITCHER = "shipyard-switch"
"""The field manager of what only a run knows: colours, records, replicas."""


@dataclass(frozen=True)
class Writer:
    """Who writes what where. `run` is the name of this run, the fence."""

    cluster: Cluster
    clock: Clock
    app: Application
    run: str

    @property
    def now(self) -> str:
        """The time, as records have it."""
        return write_time(self.clock.now())

    def services(self, name: str = "") -> str:
        """Name the path of a Service, or of all."""
        return f"/api/v1/namespaces/{self.app.namespace}/services" + (f"/{name}" if name else "")

    def deployments(self, name: str = "") -> str:
        """Name the path of a Deployment, or of all."""
        folder = f"/apis/apps/v1/namespaces/{self.app.namespace}/deployments"
        return f"{folder}/{name}" if name else folder


def put(writer: Writer, made: Obj) -> None:
    """Create a Deployment that must not be there, or replace the one that was looked at."""
    name, manager = made["metadata"]["name"], f"?fieldManager={SWITCHER}"
    if "resourceVersion" in made["metadata"]:
        writer.cluster.request("PUT", writer.deployments(name) + manager, made)
    else:
        writer.cluster.request("POST", writer.deployments() + manager, made)


def patch(writer: Writer, path: str, found: Obj | None, body: Obj) -> None:
    """Change the object that was looked at."""
    if found is None:
        raise RuntimeError(f"{path}: nothing to write to")
    version = {"resourceVersion": found["metadata"]["resourceVersion"]}
    body = {**body, "metadata": {**body.get("metadata", {}), **version}}
    writer.cluster.request("PATCH", f"{path}?fieldManager={SWITCHER}", body)


def delete(writer: Writer, path: str, found: Obj | None) -> None:
    """Delete the object that was looked at, as it was."""
    metadata = (found or {"metadata": {}})["metadata"]
    conditions = {key: metadata[key] for key in ("uid", "resourceVersion")}
    options = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": conditions}
    writer.cluster.request("DELETE", path, {**options, "propagationPolicy": "Background"})


def instead(before: Obj, after: Obj) -> Obj:
    """Write a map for a merge patch: what is not wanted any more is taken out by name."""
    return {**dict.fromkeys(before, None), **after}
