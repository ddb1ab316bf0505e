"""All four services behind one ingress: their answers, and the page in a real browser."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from tests.e2e.api_cases import Running, differences
from tests.e2e.conftest import Shipped

pytestmark = [pytest.mark.e2e, pytest.mark.root, pytest.mark.timeout(900)]
NAMESPACE = "shipyard-local"
SAMPLES = [("sample-app", 3000), ("sample2-app", 8000)]
PATIENCE_S = 60
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--window-size=1000,800",
)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/", "<app-root>"),
        ("/any/route", "<app-root>"),
        ("/api/health", '"healthy"'),
        ("/api/data", '"count":3'),
        ("/sample-app/", "sample-app"),
        ("/sample-app/health", "healthy"),
        ("/sample2-app/", "sample2-app"),
        ("/sample2-app/api/items/2", "test"),
    ],
)
def test_every_service_has_its_address(shipped: Shipped, path: str, words: str) -> None:
    status, body = shipped.place.get(path)
    assert status == 200, body
    assert words in body


@pytest.mark.parametrize(("name", "port"), SAMPLES)
def test_the_sample_apis_answer_every_case(shipped: Shipped, name: str, port: int) -> None:
    """Past the ingress, which keeps the metrics to itself."""
    version = json.loads(shipped.place.get(f"/{name}/")[1])["version"]
    with shipped.forwarded(NAMESPACE, name, port) as address:
        assert differences(Running(address, name, "local", version)) == []


@pytest.mark.parametrize("path", ["/metrics", "/Metrics", "//metrics", "/metrics/", "/%6detrics"])
@pytest.mark.parametrize("prefix", ["", "/sample-app", "/sample2-app"])
def test_nobody_outside_reads_metrics(shipped: Shipped, prefix: str, path: str) -> None:
    """The frontend has what no other path takes, and answers with its page."""
    status, body = shipped.place.get(prefix + path)
    assert status == 200
    assert "<app-root>" in body
    assert "http_requests_total" not in body


def test_a_request_is_followed_by_its_id_from_the_page_to_the_backends_log(
    shipped: Shipped,
) -> None:
    request_id = f"traced-{time.time_ns()}"
    frontend = Running(shipped.place.ingress, "frontend", "local", "")
    answer = frontend.ask(path="/api/data", headers={"X-Request-ID": request_id})
    assert answer.headers["X-Request-ID"] == request_id
    lines: list[dict[str, object]] = []
    deadline = time.monotonic() + PATIENCE_S
    while not lines and time.monotonic() < deadline:
        selector = ("-l", "app.kubernetes.io/name=backend", "--tail=-1", "--prefix=false")
        log = shipped.kubectl("-n", NAMESPACE, "logs", *selector).stdout
        lines = [json.loads(line) for line in log.splitlines() if request_id in line]
    assert [(line["path"], line["status"]) for line in lines] == [("/api/data", 200)]


class Page:
    """The frontend in a browser."""

    def __init__(self, browser: webdriver.Chrome, address: str) -> None:
        self._browser = browser
        self._address = address

    def open(self) -> None:
        """Come as a new reader."""
        self._browser.get(self._address)

    def find(self, name: str) -> list[WebElement]:
        """Find what tests may rely on."""
        return self._browser.find_elements(By.CSS_SELECTOR, f'[data-testid="{name}"]')

    def see(self, name: str, *, press: str = "") -> str:
        """Wait until something shows, pressing a button until then; Services forget pods a moment later."""

        def seen(_: webdriver.Chrome) -> list[WebElement]:
            if press and not self.find(name) and self.find(press):
                self.find(press)[0].click()
            return self.find(name)

        wait: WebDriverWait[webdriver.Chrome] = WebDriverWait(
            self._browser, PATIENCE_S, poll_frequency=0.5
        )
        return wait.until(seen)[0].text

    def blocked(self) -> list[str]:
        """List what the page's own security policy kept it from."""
        lines = self._browser.get_log("browser")  # type: ignore[no-untyped-call]
        return [line["message"] for line in lines if "Content Security Policy" in line["message"]]


@pytest.fixture
def page(shipped: Shipped) -> Iterator[Page]:
    """Open real Chromium."""
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for flag in FLAGS:
        options.add_argument(flag)
    browser = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
    browser.set_page_load_timeout(30)
    try:
        yield Page(browser, shipped.place.ingress + "/")
    finally:
        browser.quit()


@pytest.fixture
def scale(shipped: Shipped) -> Iterator[Callable[[int], None]]:
    """Change how many backends there are; afterwards there are as many as before."""

    def change(count: int) -> None:
        done = shipped.kubectl(
            "-n", NAMESPACE, "scale", "deployment/backend", f"--replicas={count}"
        )
        assert done.code == 0, done.text

    yield change
    change(3)
    rolled = shipped.kubectl("-n", NAMESPACE, "rollout", "status", "deployment/backend")
    assert rolled.code == 0, rolled.text


def test_the_page_shows_the_data_then_the_failure_then_the_data_again(
    page: Page, scale: Callable[[int], None]
) -> None:
    page.open()
    assert "format" in page.see("items")
    assert not page.find("failure")
    scale(0)
    assert "does not answer" in page.see("failure", press="refresh")
    assert "format" in page.find("items")[0].text, "what was known is gone"
    page.open()
    page.see("failure")
    assert not page.find("items"), "a new reader sees old data"
    scale(3)
    page.see("items", press="retry")
    assert not page.find("failure")
    assert page.blocked() == []
