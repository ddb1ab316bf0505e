"""The backend: a Flask API that answers health and data as JSON, to browsers on any origin.

`create_app` puts the parts together; each part is one file with its test beside it, and each
endpoint is one file below `endpoints`. gunicorn runs it, as `gunicorn.conf.py` says.
"""

import os

from flask import Flask
from flask_cors import CORS

from app import draining, errors, request_log, request_metrics, security
from app.endpoints import data, health, metrics, ready
from app.settings import Settings


def create_app(settings: Settings | None = None) -> Flask:
    """Build the application, configured by the process's environment unless settings are given."""
    settings = settings or Settings.from_environment(os.environ)
    app = Flask(__name__, static_folder=None)
    CORS(
        app,
        resources={r"/api/*": {"origins": "*"}},
        send_wildcard=True,
        expose_headers=[request_log.HEADER],
    )
    request_log.register(app)
    security.register(app)
    errors.register(app)
    registry = request_metrics.register(app)
    state = draining.register(app)

    health.register(app, settings)
    ready.register(app, state)
    data.register(app)
    metrics.register(app, registry)
    return app
