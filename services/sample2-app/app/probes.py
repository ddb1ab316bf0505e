"""The paths that machines ask every few seconds: logged at debug, and not counted."""

PATHS = frozenset({"/health", "/ready", "/metrics"})
