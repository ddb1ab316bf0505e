"""A small Argo CD: applies a folder of a branch to the cluster, again whenever either of them changes."""

import shutil
import subprocess
import threading
from pathlib import Path

from delivery.cluster import Cluster, KubectlError
from delivery.follow import get
from tests.delivery.gitops.forge import BRANCH, FOLDER, HERMETIC, Forge

LOOK_SECONDS = 0.3


class Argo:
    """Syncs by itself, prunes nothing, and heals: what somebody else writes to a Deployment is undone."""

    def __init__(self, cluster: Cluster, forge: Forge, folder: Path, namespace: str) -> None:
        self._cluster, self._forge, self._tree = cluster, forge, folder / "argo"
        self._namespace = namespace
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._applied = ""
        self._wanted: dict[str, object] = {}
        self.synced: list[str] = []
        self.healed = 0

    def start(self) -> None:
        """Begin to sync."""
        self._thread.start()

    def stop(self) -> None:
        """Stop syncing."""
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _work(self) -> None:
        while not self._ended.wait(LOOK_SECONDS):
            head = self._forge.head()
            drifted = self._applied == head and self._drifted()
            if head != self._applied or drifted:
                self._sync(head)
                self.healed += drifted

    def _sync(self, head: str) -> None:
        self._tree.mkdir(exist_ok=True)
        archive = ["git", "archive", "--format=tar", f"--output={self._tree}.tar", BRANCH]
        subprocess.run(archive, cwd=self._forge.bare, env=HERMETIC, check=True)
        shutil.rmtree(self._tree)
        self._tree.mkdir()
        subprocess.run(["tar", "-xf", f"{self._tree}.tar", "-C", str(self._tree)], check=True)
        try:
            self._cluster.kubectl("apply", "--kustomize", str(self._tree / FOLDER))
        except KubectlError:
            return
        self._wanted = self._look()
        self._applied = head
        self.synced.append(head)

    def _drifted(self) -> bool:
        """Tell whether somebody changed what a Deployment wants since it was applied."""
        return self._look() != self._wanted

    def _look(self) -> dict[str, object]:
        """Look at what Deployments want; notes on them are nobody's business here."""
        names = [path.name for path in (self._tree / "manifests/apps").iterdir()]
        found = {name: get(self._cluster, self._namespace, name) for name in names}
        return {name: each["spec"] for name, each in found.items() if each}
