"""A real Prometheus on loopback that scrapes a server whose metrics the test decides."""

import json
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

from tests.delivery.servers import Act, Asked, answer, serving

SCRAPE = "1s"
"""How often, and how long one may take: a scrape that is late makes all series end."""
START_SECONDS = 30


@dataclass
class Shop:
    """A service with metrics, as Prometheus sees them: series by their text."""

    counts: dict[str, float] = field(default_factory=dict)

    def behave(self, _asked: Asked) -> list[Act]:
        """Answer a scrape."""
        lines = [f"{series} {value}" for series, value in self.counts.items()]
        body = "\n".join(["# TYPE http_requests_total counter", *lines, ""]).encode()
        return [answer(200, body, content_type="text/plain; version=0.0.4")]

    def count(self, handler: str, status: int, by: float) -> None:
        """Count requests."""
        series = f'http_requests_total{{handler="{handler}",method="GET",status="{status}"}}'
        self.counts[series] = self.counts.get(series, 0) + by


@dataclass(frozen=True)
class Prometheus:
    """A running Prometheus."""

    address: str
    shop: Shop

    def value(self, query: str) -> float | None:
        """Ask one number directly."""
        asked = f"{self.address}/api/v1/query?{urlencode({'query': query})}"
        with urllib.request.urlopen(asked, timeout=5) as answered:
            found = json.load(answered)["data"]["result"]
        return float(found[0]["value"][1]) if found else None

    def settle(self, query: str, wanted: float) -> None:
        """Wait until Prometheus has seen what the shop counts."""
        deadline = time.monotonic() + START_SECONDS
        while (found := self.value(query)) is None or found < wanted:
            assert time.monotonic() < deadline, f"{query} is {found}, not {wanted}"
            time.sleep(0.1)


@contextmanager
def prometheus(folder: Path) -> Iterator[Prometheus]:
    """Run one."""
    program = shutil.which("prometheus")
    assert program, "prometheus is missing: make setup-dev installs it"
    shop = Shop()
    with serving(shop.behave) as (_, target), socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        labels = {"namespace": "near", "service": "shop"}
        scraped = {"targets": [f"127.0.0.1:{target.port}"], "labels": labels}
        job = {"job_name": "shop", "static_configs": [scraped]}
        timing = {"scrape_interval": SCRAPE, "scrape_timeout": SCRAPE}
        config = folder / "prometheus.yml"
        config.write_text(json.dumps({"global": timing, "scrape_configs": [job]}))
        command = [program, f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}"]
        listening = f"--web.listen-address=127.0.0.1:{port}"
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen([*command, listening], stdout=log, stderr=log)
        try:
            address = f"http://127.0.0.1:{port}"
            _wait(address, process, folder / "log")
            yield Prometheus(address, shop)
        finally:
            process.kill()
            process.wait()


def _wait(address: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        try:
            with urllib.request.urlopen(f"{address}/-/ready", timeout=2):
                return
        except OSError:
            time.sleep(0.05)
