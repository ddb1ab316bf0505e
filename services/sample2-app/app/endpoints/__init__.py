"""The endpoints of sample2-app: one file each, with a `router` for the application.

Each answers HEAD too, which FastAPI leaves to the author.
"""
