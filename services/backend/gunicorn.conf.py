"""How gunicorn serves the backend: read by `python -m gunicorn "app:create_app()"`.

One worker with threads, not several workers: a pod may use a fifth of a core, replicas bring more,
and one process means one registry of metrics and one answer to "are you draining?".
The control socket is off: it wants a writable home, and the root file system is read-only.
"""

import logging
import os

from app import draining, logs
from app.settings import load_or_exit

settings = load_or_exit(os.environ)

bind = f"0.0.0.0:{settings.port}"
worker_class = "gthread"
workers = 1
threads = 8
timeout = 30
keepalive = 5
# The master's patience begins with SIGTERM: the time to drain, and 20 s for what is under way.
graceful_timeout = round(settings.drain_seconds + 20)
control_socket_disable = True
loglevel = settings.log_level
logconfig_dict = logs.configuration(settings.log_level)


def post_worker_init(worker: draining.Worker) -> None:
    """Say what has started, and make SIGTERM drain it."""
    started = {"environment": settings.environment, "version": settings.version}
    logging.getLogger("app").info("started", extra={"fields": started})
    draining.on_sigterm(worker, settings.drain_seconds)
