"""The way to a Service through the API server, and whose words an answer is.

The proxy of the API server needs no right but `get services/proxy` in one namespace and works from wherever
this program runs. A real API server counts such requests as long-running ones: it neither queues nor
throttles them. What goes wrong on the way is no verdict about the service, so it has to be told apart.
"""

import http.client
import json
from pathlib import Path

from delivery.exchange import NoAnswerError, Reply, Target, Trouble

UNAVAILABLE = 503
WORDS = 200


def through_the_api(proxy: Path, namespace: str, service: str, port: str) -> Target:
    """Reach a Service by the socket of `kubectl proxy`."""
    prefix = f"/api/v1/namespaces/{namespace}/services/{service}:{port}/proxy"
    return Target(socket=proxy, prefix=prefix)


def told_by_the_way(target: Target, answered: Reply | NoAnswerError) -> str:
    """Say what is wrong on the way when kubectl or the API server spoke; empty when the service did.

    A 503 of the API server is the service's own failure: it says that nobody serves.
    """
    if target.socket is None:
        return ""
    if isinstance(answered, NoAnswerError):
        # kubectl answers for whatever is behind it; only its own end leaves a request unanswered.
        gone = answered.trouble in (Trouble.REFUSED, Trouble.RESET) and not answered.begun
        return f"kubectl proxy has ended: {answered}" if gone else ""
    if answered.status == http.client.INTERNAL_SERVER_ERROR and _of_kubectl(answered):
        return f"the API server cannot be reached: {answered.text.strip()[:WORDS]}"
    if answered.status < http.client.BAD_REQUEST or answered.status == UNAVAILABLE:
        return ""
    message = _status_message(answered)
    return f"the API server refuses: {message[:WORDS]}" if message else ""


def _of_kubectl(reply: Reply) -> bool:
    """Tell whether kubectl's proxy speaks: an API server sets Cache-Control, also on what it passes on."""
    plain = reply.headers.get("content-type", "").startswith("text/plain")
    return plain and "cache-control" not in reply.headers


def _status_message(reply: Reply) -> str:
    """Read the message of a Status object; empty when the body is none."""
    try:
        status = json.loads(reply.body)
    except ValueError:
        return ""
    if not isinstance(status, dict) or status.get("kind") != "Status":
        return ""
    return str(status.get("message") or reply.status) if status.get("apiVersion") == "v1" else ""
