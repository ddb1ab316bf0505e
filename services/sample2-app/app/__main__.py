"""`python -m app`: read the settings and serve."""

from app import create_app
from app.server import serve
from app.settings import load_or_exit

settings = load_or_exit()
serve(create_app(settings), settings)
