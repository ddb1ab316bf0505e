"""A registry on a free loopback port that holds stand-ins for the public images of the recorded cases.

Making the images takes half a minute (a Debian with Python), so the registry's data is kept between
runs in the user's cache directory, named after the digest of the scripts that make it.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

GOLDEN = Path(__file__).parent / "golden" / "dagger"
_START_SECONDS = 20.0


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    scripts = (GOLDEN / "standins.sh").read_bytes() + (GOLDEN / "mkimg.py").read_bytes()
    return Path(base) / "drydock-tests" / f"standins-{hashlib.sha256(scripts).hexdigest()[:16]}"


@contextlib.contextmanager
def registry(folder: Path) -> Iterator[str]:
    """Run a registry with the stand-ins; yield its address. What tests push goes at the end."""
    kept = _cache()
    kept.parent.mkdir(parents=True, exist_ok=True)
    with (kept.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            fresh = folder / "fresh"
            with _serving(fresh, folder) as address:
                subprocess.run([GOLDEN / "standins.sh", address], check=True)
            shutil.copytree(fresh, kept.with_suffix(".partial"), dirs_exist_ok=True)
            kept.with_suffix(".partial").rename(kept)
    data = folder / "data"
    shutil.copytree(kept, data)
    with _serving(data, folder) as address:
        yield address


@contextlib.contextmanager
def _serving(data: Path, folder: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    config = {
        "version": "0.1",
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(data)}},
        "http": {"addr": address},
    }
    file = folder / "registry.json"  # JSON is YAML
    file.write_text(json.dumps(config))
    server = subprocess.Popen(
        ["docker-registry", "serve", str(file)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(address)
        yield address
    finally:
        server.terminate()
        server.wait(10)


def _wait(address: str) -> None:
    ends = time.monotonic() + _START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"http://{address}/v2/", timeout=1):
                return
        except OSError:
            if time.monotonic() > ends:
                raise
            time.sleep(0.05)


def write_engine_config(home: Path, address: str) -> None:
    """Write an engine.json that names the registry as mirror of docker.io."""
    wanted = {"registries": {"docker.io": {"mirrors": [address]}, address: {"http": True}}}
    (home / "dagger").mkdir(parents=True)
    (home / "dagger" / "engine.json").write_text(json.dumps(wanted))
