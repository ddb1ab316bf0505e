"""How gunicorn serves the backend: read by `python3 -m gunicorn "app:create_app()"`.

Everything that gunicorn writes goes to /tmp, the only writable place below a read-only root.
"""

from app import port

bind = f"0.0.0.0:{port()}"
worker_class = "gthread"
workers = 2
threads = 4
timeout = 30
graceful_timeout = 20
keepalive = 5
worker_tmp_dir = "/tmp"
control_socket_disable = True
accesslog = None
errorlog = "-"
