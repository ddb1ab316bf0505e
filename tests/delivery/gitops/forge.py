"""A git host of the test: a bare repository, people who push to it, and an HTTP server that wants a token."""

import base64
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).parents[3]
FOLDER = "manifests/environments/test"
BRANCH = "main"
HERMETIC = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "LC_ALL": "C",
}
KUSTOMIZATION = """\
# What test changes in the base.
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: {namespace}
resources: # all of them
{resources}
replicas:
  - name: backend
    count: 1
configMapGenerator:
  - name: environment
    literals: [name=test]
"""


class Forge:
    """The bare repository; `address` is where a delivery finds it."""

    def __init__(self, folder: Path) -> None:
        self.bare = folder / "shop.git"
        self._people = folder / "people"
        self._people.mkdir(parents=True)
        self.address = str(self.bare)
        self._git(folder, "init", "--quiet", "--bare", f"--initial-branch={BRANCH}", str(self.bare))

    @property
    def path(self) -> str:
        """The kustomization of the environment."""
        return f"{FOLDER}/kustomization.yaml"

    def found(self, namespace: str, *services: str) -> None:
        """Commit the manifests of some services, as they are in this repository, and an overlay."""
        with self.person("founder") as tree:
            for name in services:
                shutil.copytree(ROOT / "manifests/apps" / name, tree / "manifests/apps" / name)
            overlay = tree / self.path
            overlay.parent.mkdir(parents=True)
            listed = "\n".join(f"  - ../../apps/{name}" for name in services)
            overlay.write_text(KUSTOMIZATION.format(namespace=namespace, resources=listed))

    @contextmanager
    def person(self, name: str, message: str = "a change by hand") -> Iterator[Path]:
        """Give somebody's work tree; what is changed in it is committed and pushed."""
        tree = self._people / name
        shutil.rmtree(tree, ignore_errors=True)
        self._git(self.bare, "clone", "--quiet", str(self.bare), str(tree))
        yield tree
        settings = ["-c", f"user.name={name}", "-c", f"user.email={name}@localhost"]
        self._git(tree, "checkout", "--quiet", "-B", BRANCH)
        self._git(tree, "add", "--all")
        self._git(tree, *settings, "commit", "--quiet", "--allow-empty", f"--message={message}")
        self._git(tree, "push", "--quiet", "origin", BRANCH)

    def change(self, old: str, new: str, who: str = "ann") -> None:
        """Let somebody replace a text in the kustomization."""
        with self.person(who) as tree:
            path = tree / self.path
            text = path.read_text()
            assert old in text
            path.write_text(text.replace(old, new))

    def mention(self, who: str = "ben") -> None:
        """Let somebody push something that has nothing to do with any delivery."""
        with self.person(who, "a word") as tree, (tree / "NOTES").open("a") as notes:
            notes.write("a word\n")

    def text(self) -> str:
        """Read the kustomization on the branch."""
        return self.git("show", f"{BRANCH}:{self.path}")

    def messages(self) -> list[str]:
        """List the subjects of the branch, the newest first."""
        return self.git("log", "--format=%s", BRANCH).splitlines()

    def head(self) -> str:
        """Name the newest commit."""
        return self.git("rev-parse", BRANCH).strip()

    def git(self, *args: str) -> str:
        """Ask the bare repository."""
        return self._git(self.bare, *args)

    def _git(self, folder: Path, *args: str) -> str:
        done = subprocess.run(
            ["git", *args], cwd=folder, env=HERMETIC, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


class _Handler(BaseHTTPRequestHandler):
    """Hands requests with the right token to `git http-backend`."""

    server: "_Server"

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, *_args: object) -> None:
        """Stay silent."""

    def _serve(self) -> None:
        given = self.headers.get("Authorization", "").removeprefix("Basic ")
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        user, _, token = base64.b64decode(given).decode().partition(":")
        self.server.users.append(user)
        if token != self.server.token:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="forge"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        path, _, query = self.path.partition("?")
        environment = {
            **HERMETIC,
            "GIT_PROJECT_ROOT": str(self.server.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REMOTE_USER": user,
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }
        done = subprocess.run(
            ["git", "http-backend"], env=environment, input=body, capture_output=True, check=False
        )
        head, _, answer = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
        self.send_response(int(headers.pop("Status", "200").split()[0]))
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, root: Path, token: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.root, self.token = root, token
        self.users: list[str] = []


@contextmanager
def over_http(forge: Forge, token: str) -> Iterator[list[str]]:
    """Serve the repository on loopback to those who know the token; give the users who came."""
    server = _Server(forge.bare.parent, token)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    before = forge.address
    forge.address = f"http://127.0.0.1:{server.server_port}/{forge.bare.name}"
    try:
        yield server.users
    finally:
        forge.address = before
        server.shutdown()
        thread.join()
        server.server_close()
