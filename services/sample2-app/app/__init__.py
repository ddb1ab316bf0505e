"""sample2-app: the same API as sample-app, in FastAPI.

`create_app` puts the parts together; each part is one file with its test beside it, and each
endpoint is one file below `endpoints`. `python -m app` serves it.
"""

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from app.draining import CloseWhileDraining, Draining
from app.endpoints import health, item, items, metrics, ready, root
from app.errors import UnexpectedErrors, http_error, invalid_request
from app.request_id import RequestId
from app.request_log import RequestLog
from app.request_metrics import RequestMetrics, new_registry
from app.security import SecurityHeaders
from app.settings import Settings


def create_app(settings: Settings) -> FastAPI:
    """Build the application; what its endpoints ask for stands in `app.state`.

    Pages that the framework would add are off: `default-src 'none'` would leave them empty anyway.
    """
    draining, registry = Draining(), new_registry()
    app = FastAPI(
        openapi_url=None,
        redirect_slashes=False,
        exception_handlers={HTTPException: http_error, RequestValidationError: invalid_request},
        middleware=[
            Middleware(RequestId),
            Middleware(RequestLog),
            Middleware(RequestMetrics, registry=registry),
            Middleware(SecurityHeaders),
            Middleware(CloseWhileDraining, draining=draining),
            Middleware(UnexpectedErrors),
        ],
    )
    app.state.settings = settings
    app.state.draining = draining
    app.state.registry = registry
    for endpoint in (root, items, item, health, ready, metrics):
        app.include_router(endpoint.router)
    return app
