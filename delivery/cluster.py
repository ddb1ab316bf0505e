"""The cluster: kubectl for what changes it, its own REST interface for what is looked at often.

Reading goes through one `kubectl proxy` on a unix socket, so that every way to log in that kubectl
knows works, and a look costs a millisecond instead of a process (`proxy.py`).
"""

import http.client
import json
import socket
import subprocess
import time
from collections.abc import Container, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

Obj = dict[str, Any]
CONFLICT, NOT_FOUND, FORBIDDEN, UNAUTHORIZED = 409, 404, 403, 401
TIMEOUT, TOO_MANY, SERVER_ERROR = 408, 429, 500
REQUEST_SECONDS = 15.0
COMMAND_SECONDS = 120.0
AGAIN = 3
"""How often a question is asked again."""
AGAIN_WITHIN_SECONDS = 2.0
"""Only what was refused at once is asked again; a silence has taken its time already."""
MERGE = "application/merge-patch+json"
APPLY = "application/apply-patch+yaml"


class ApiError(Exception):
    """The API server refused a request."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def passing(error: ApiError) -> bool:
    """Tell whether a refusal may pass by itself: a busy or failing server, or no answer at all."""
    return error.status in (0, TIMEOUT, TOO_MANY) or error.status >= SERVER_ERROR


class KubectlError(Exception):
    """kubectl ended with an error; the message is what it wrote."""


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path, seconds: float) -> None:
        super().__init__("localhost", timeout=seconds)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class Cluster:
    """One cluster, as the kubeconfig names it."""

    pause_seconds = 0.2
    """Between asking and asking again."""

    def __init__(self, server: str | None, proxy: Path) -> None:
        self._flags = [f"--server={server}"] if server else []
        self._proxy = proxy

    @property
    def socket(self) -> Path:
        """The unix socket that leads to the API, for those who keep connections open."""
        return self._proxy

    def kubectl(
        self,
        *args: str,
        stdin: str = "",
        seconds: float = COMMAND_SECONDS,
        good: Container[int] = (0,),
    ) -> str:
        """Run kubectl and return its standard output; raise KubectlError when its exit code is not good."""
        return run_kubectl([*self._flags, *args], stdin, seconds, good)

    def raw(
        self,
        method: str,
        path: str,
        body: Obj | None = None,
        content: str = "",
        seconds: float = REQUEST_SECONDS,
    ) -> tuple[int, bytes]:
        """Send a request; return status and body, whatever they are. A patch is a merge patch.

        Raise OSError when there is no whole answer, or silence for that many seconds.
        """
        connection = _UnixConnection(self._proxy, seconds)
        content = content or (MERGE if method == "PATCH" else "application/json")
        try:
            connection.request(
                method,
                path,
                body=None if body is None else json.dumps(body),
                headers={"Content-Type": content, "Accept": "application/json"},
            )
            answer = connection.getresponse()
            return answer.status, answer.read()
        except http.client.HTTPException as error:
            raise ConnectionError(f"the answer broke off: {error!r}") from error
        finally:
            connection.close()

    def request(
        self,
        method: str,
        path: str,
        body: Obj | None = None,
        content: str = "",
        seconds: float = REQUEST_SECONDS,
    ) -> Obj:
        """Send a request and return the object in the answer; raise ApiError, also after so many silent seconds.

        A question that fails in a way that may pass is asked again a few times; a write never is, for it
        may have been carried out.
        """
        for _ in range(AGAIN if method == "GET" else 0):
            begun = time.monotonic()
            try:
                return self._request(method, path, body, content, seconds)
            except ApiError as error:
                if not passing(error) or time.monotonic() - begun > AGAIN_WITHIN_SECONDS:
                    raise
            time.sleep(self.pause_seconds)
        return self._request(method, path, body, content, seconds)

    def _request(
        self, method: str, path: str, body: Obj | None, content: str, seconds: float
    ) -> Obj:
        try:
            status, told = self.raw(method, path, body, content, seconds)
        except OSError as error:
            raise ApiError(0, f"{method} {path}: {error}") from error
        try:
            answer = json.loads(told or b"{}")
        except ValueError:
            answer = {"message": told.decode(errors="replace").strip()}
        if status >= http.client.BAD_REQUEST:
            raise ApiError(status, str(answer.get("message", f"{method} {path}: {status}")))
        return dict(answer)

    def find(self, path: str) -> Obj | None:
        """Get one object, or None when there is none."""
        try:
            return self.request("GET", path)
        except ApiError as error:
            if error.status == NOT_FOUND:
                return None
            raise

    def items(self, path: str, selector: str = "") -> list[Obj]:
        """List objects, narrowed by a label selector."""
        query = f"?labelSelector={quote(selector)}" if selector else ""
        return list(self.request("GET", path + query).get("items") or [])


def run_kubectl(
    args: Sequence[str],
    stdin: str = "",
    seconds: float = COMMAND_SECONDS,
    good: Container[int] = (0,),
) -> str:
    """Run kubectl and return its standard output; raise KubectlError when its exit code is not good."""
    try:
        done = subprocess.run(
            ["kubectl", *args],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
            start_new_session=True,  # Ctrl-C is for us: what it does then is not left half done.
        )
    except subprocess.TimeoutExpired as error:
        told = f"kubectl {args[0]} did not end within {seconds:.0f} seconds"
        raise KubectlError(told) from error
    except OSError as error:
        raise KubectlError(f"kubectl cannot be started: {error}") from error
    if done.returncode not in good:
        raise KubectlError(done.stderr.strip() or f"kubectl {args[0]}: exit code {done.returncode}")
    return done.stdout
