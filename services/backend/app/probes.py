"""The paths that machines ask every few seconds: logged at debug, and not counted."""

PATHS = frozenset({"/api/health", "/api/ready", "/metrics"})
