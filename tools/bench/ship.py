"""What shipping costs: `make ship` from nothing and again, checks against a plain shell, single calls, images.

A machine of its own is made below /var/tmp: nothing that runs or is cached on this one helps or suffers. Every number is
the median of N runs unless it can only be taken once. The Debian packages are expected to be installed; how long apt
takes depends on the network alone.
"""

from __future__ import annotations

import base64
import json
import re
import shutil
import statistics
import subprocess
import tarfile
import time
import urllib.request
import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.e2e.conftest import stranger
from tests.e2e.workplace import CHECKOUT, Workplace
from tools.bench.page import Row

EXECS = 20
EDITED = {
    "backend": ("app/__init__.py", "\n\n# "),
    "frontend": ("src/main.ts", "// "),
}
"""The service whose stages are the quickest, and the one whose are the slowest: a file, and how a comment at its end begins."""
IMAGES = (
    ("backend", 40, "150 MB (the users' own)"),
    ("frontend", 12, "25 MB (the users' own)"),
    ("sample-app", 105, ""),
    ("sample2-app", 52, ""),
)
MODULES = CHECKOUT / "tests" / "conformance" / "golden" / "dagger" / "modules"


def timed(action: Callable[[], object]) -> float:
    """Return the seconds that an action takes."""
    start = time.monotonic()
    action()
    return time.monotonic() - start


class Bench:
    """The measurements, in the order in which they must be taken."""

    def __init__(self, root: Path, runs: int) -> None:
        self.place = Workplace.make(root)
        # Downloads of earlier runs would flatter the first one.
        self.place.environ |= {"UV_NO_CACHE": "1", "PIP_NO_CACHE_DIR": "1"}
        self.runs = runs
        self.repository = self.place.copy("repository")
        self.drydock = str(self.repository / ".venv" / "bin" / "drydock")

    def must(self, *command: str, cwd: Path | None = None) -> str:
        """Run a command that has to succeed."""
        done = self.place.run(*command, cwd=cwd or self.repository)
        if done.code:
            raise SystemExit(f"{' '.join(command)} failed:\n{done.text}")
        return done.stdout

    def median(self, action: Callable[[], object]) -> float:
        """Return the median time of the runs."""
        return statistics.median(timed(action) for _ in range(self.runs))

    def ship(self) -> None:
        """Ship through the Makefile, as a user does."""
        self.must("make", "ship")

    def edit_and_ship(self, name: str) -> None:
        """Change one line of a service, then ship."""
        file, comment = EDITED[name]
        code = self.repository / "services" / name / file
        code.write_text(f"{code.read_text().rstrip()}\n{comment}{uuid.uuid4().hex}\n")
        self.ship()

    def rows(self) -> list[Row]:
        """Take every number."""
        first = timed(self.ship)
        again = self.median(self.ship)
        edited = {name: self.median(partial(self.edit_and_ship, name)) for name in EDITED}
        checked, checked_again = self.checks()
        plain, plain_again = self.shell()
        run, cached = self.function_calls()
        sizes = self.image_sizes()
        return [
            Row("first `make ship` of four services, nothing cached", f"{first:.0f} s", "360 s"),
            Row("`make ship` again, nothing changed", f"{again:.1f} s", "15 s"),
            *(
                Row(f"`make ship`, one line of {name} changed", f"{edited[name]:.1f} s", "40 s")
                for name in EDITED
            ),
            Row(
                "all quality stages of four services, nothing cached",
                f"{checked:.0f} s",
                "",
                f"{plain:.0f} s straight from a shell: {checked / plain:.2f} times that",
            ),
            Row(
                "the same again, nothing changed",
                f"{checked_again:.1f} s",
                "",
                f"{plain_again:.0f} s straight from a shell: {checked_again / plain_again:.3f} times that",
            ),
            Row("overhead of one exec", f"{self.exec_overhead():.0f} ms", "40 ms", "95 ms"),
            Row("`drydock call` of a trivial function that runs", f"{run:.2f} s", "1 s", "7.5 s"),
            Row("`drydock call` of a trivial function, cached", f"{cached:.2f} s", "1 s", "3.6 s"),
            *(
                Row(
                    f"{name} image, uncompressed",
                    f"{sizes[name] / 1e6:.1f} MB",
                    f"{limit} MB",
                    reference,
                )
                for name, limit, reference in IMAGES
            ),
        ]

    def checks(self) -> tuple[float, float]:
        """Time `check` with empty caches, and again; base images and tools are made anew, too."""
        with stranger() as other:
            repository = other.copy("repository")
            started = other.run(self.drydock, "start", cwd=repository)
            if started.code:
                raise SystemExit(started.text)
            try:

                def check() -> None:
                    done = other.run(self.drydock, "call", "check", cwd=repository)
                    if done.code:
                        raise SystemExit(done.text[-6000:])

                return timed(check), timed(check)
            finally:
                other.run(self.drydock, "stop", cwd=repository)

    def shell(self) -> tuple[float, float]:
        """Time the same tools with no containers: everything, and what is left when all is installed."""
        work = self.place.root / "plain"
        self.place.environ |= {"npm_config_cache": str(work / "npm-cache")}
        told = self.must(str(CHECKOUT / "tools" / "plain"), str(work))
        print(told)
        tools = {
            name: float(seconds)
            for name, seconds in re.findall(r"^(\S+) +([\d.]+) s$", told, re.MULTILINE)
        }
        installing = sum(
            seconds for name, seconds in tools.items() if name.endswith(("-venv", "-install"))
        )
        return sum(tools.values()), sum(tools.values()) - installing

    def function_calls(self) -> tuple[float, float]:
        """Time a function that always runs and one that is cached; both warm."""
        modules = self.place.root / "modules"
        shutil.copytree(MODULES, modules)
        workshop, kitchen = modules / "workshop", modules / "kitchen"
        for folder in (workshop, kitchen):
            self.place.git(folder, "init", "-q", "-b", "main")

        def run() -> str:
            return self.must(self.drydock, "call", "-s", "dice-never", cwd=workshop)

        def cached() -> str:
            return self.must(self.drydock, "call", "-s", "text", cwd=kitchen)

        run()
        cached()
        return self.median(run), self.median(cached)

    def exec_overhead(self) -> float:
        """Return milliseconds an exec of a chain of `true` takes."""
        session = subprocess.Popen(
            [self.drydock, "session"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=self.place.environ,
            cwd=self.repository,
        )
        if session.stdin is None or session.stdout is None:
            raise SystemExit("no pipes to the session")
        try:
            where = json.loads(session.stdout.readline())
            ask(where, '{ container { from(address: "alpine:3.20.2") { sync } } }')
            samples = [timed(lambda: ask(where, chain(EXECS))) for _ in range(self.runs)]
        finally:
            session.stdin.close()
            session.wait()
        return statistics.median(samples) / EXECS * 1000

    def image_sizes(self) -> dict[str, int]:
        """Return the bytes of all files in the images, by service."""
        out = self.place.root / "layouts"
        self.must(self.drydock, "call", "build", "-o", str(out))
        sizes = {}
        for layout in sorted(out.iterdir()):
            index = json.loads((layout / "index.json").read_text())
            manifest = blob(layout, index["manifests"][0]["digest"])
            sizes[layout.name] = sum(
                unpacked(layout, layer["digest"])
                for layer in json.loads(manifest.read_text())["layers"]
            )
        return sizes


def blob(layout: Path, digest: str) -> Path:
    """Return where a blob lies in an OCI layout."""
    return layout / "blobs" / "sha256" / digest.removeprefix("sha256:")


def unpacked(layout: Path, digest: str) -> int:
    """Return the bytes of the files in a layer."""
    with tarfile.open(blob(layout, digest)) as layer:
        return sum(member.size for member in layer if member.isreg())


def chain(length: int) -> str:
    """Return a query of `length` execs, one after the other, none of which was ever run."""
    opened = (
        f'withEnvVariable(name: "N", value: "{uuid.uuid4().hex}") {{ '
        + 'withExec(args: ["true"]) { ' * length
    )
    return '{ container { from(address: "alpine:3.20.2") { ' + opened + "sync" + " }" * (length + 4)


def ask(where: dict[str, object], query: str) -> None:
    """Send one query to a session."""
    token = base64.b64encode(f"{where['session_token']}:".encode()).decode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{where['port']}/query",
        data=json.dumps({"query": query}).encode(),
        headers={"Content-Type": "application/json", "Authorization": f"Basic {token}"},
    )
    with urllib.request.urlopen(request, timeout=300) as answer:
        errors = json.load(answer).get("errors")
    if errors:
        raise SystemExit(f"{query}\n{errors}")


def measure(root: Path, runs: int) -> tuple[list[str], list[Row]]:
    """Take every number; give them with the words that stand above them."""
    bench = Bench(root, runs)
    try:
        rows = bench.rows()
    finally:
        bench.place.run("make", "stop", cwd=bench.repository)
    words = [
        "Empty caches, Debian packages installed beforehand.",
        f"Median of {runs} runs except for the first line, which can be taken only once.",
        "The last column is what a real Dagger Engine 0.21.11 needed on a machine of this kind, where that was measured.",
    ]
    return words, rows
