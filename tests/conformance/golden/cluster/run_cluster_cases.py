#!/usr/bin/env python3
"""Compare a Kubernetes API with the recorded behaviour of a real control plane.

Usage: run_cluster_cases.py --kubeconfig FILE [--kubectl PATH] [--fake-kubelet]
                            [--only TEXT] [--jobs N] [--record FOLDER] FILES...

Every scenario gets a namespace of its own and a working directory of its own.
A failing step gives one line on stdout; the last line is always
"N passed, M failed" (steps). The exit code is 1 when any step failed.
Scenarios marked "needs: fake-kubelet" are left out without --fake-kubelet,
which starts fake_kubelet.py for the time of the run.

--record writes each scenario to FOLDER with the answers filled in; the form of
a scenario is described in the README beside the recorded files.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import string
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml

import cluster_snippets
from cluster_golden import (
    matches,
    masked,
    masked_json,
    parse_table,
    pattern_of,
    pick,
    squeezed,
    stable,
    table_of,
    without_vendor,
)

Step = dict[str, Any]
KEYS = {
    "run",
    "py",
    "with",
    "stdin",
    "settle",
    "as",
    "spaces",
    "exit",
    "stdout",
    "stderr",
    "stderr_contains",
}
KEYS |= {"table", "json", "object", "sort", "why", "take"}
LIMIT_S = 150


class Room:
    """The namespace, the working directory and the kubeconfig of one scenario."""

    def __init__(self, scenario: dict[str, Any], kubeconfig: str, kubectl: str) -> None:
        tail = "".join(random.choices(string.ascii_lowercase, k=5))
        self.ns = f"g-{tail}"
        self.dir = Path(tempfile.mkdtemp(prefix="golden-"))
        self.kubeconfig = self.dir / ".kubeconfig"
        settings = yaml.safe_load(Path(kubeconfig).read_text())
        current = settings["current-context"]
        for context in settings["contexts"]:
            if context["name"] == current:
                context["context"]["namespace"] = self.ns
        self.kubeconfig.write_text(yaml.safe_dump(settings))
        bin_dir = self.dir / ".bin"
        bin_dir.mkdir()
        (bin_dir / "kubectl").symlink_to(shutil.which(kubectl) or kubectl)
        self.env = {
            "PATH": f"{bin_dir}:{os.environ['PATH']}",
            "HOME": str(self.dir),
            "KUBECONFIG": str(self.kubeconfig),
            "NS": self.ns,
            "LC_ALL": "C",
            "TZ": "UTC",
        }
        self.variables = {"NS": self.ns}
        self.apply(f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {self.ns}}}\n", 0)
        for index, text in enumerate(scenario.get("setup", []), 1):
            self.apply(self.fill(text), index)

    def apply(self, text: str, index: int) -> None:
        """Create a manifest of the setup; a failure here is an error of the scenario."""
        done = self.shell("kubectl create --validate=false -f -", text)
        if done.returncode:
            raise RuntimeError(f"setup {index}: {done.stderr.strip()}")

    def fill(self, text: str) -> str:
        """Put the scenario's variables into a text."""
        for name, value in self.variables.items():
            text = text.replace("${" + name + "}", value)
        return text

    def shell(self, command: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run one line of shell in the working directory."""
        return subprocess.run(
            ["bash", "-c", command],
            cwd=self.dir,
            env=self.env,
            input=stdin or "",
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
        )

    def leave(self, scenario: dict[str, Any]) -> None:
        """Remove everything the scenario made."""
        for command in scenario.get("cleanup", []):
            self.shell(self.fill(command))
        self.shell(f"kubectl delete namespace {self.ns} --wait=false --ignore-not-found")
        shutil.rmtree(self.dir, ignore_errors=True)


def execute(step: Step, room: Room) -> dict[str, Any]:
    """Run one step; return what it answered."""
    if "py" in step:
        result = cluster_snippets.SNIPPETS[step["py"]](
            room, **json.loads(room.fill(json.dumps(step.get("with", {}))))
        )
        return {"exit": 0, "stdout": json.dumps(result), "stderr": ""}
    done = room.shell(room.fill(step["run"]), room.fill(step.get("stdin", "")))
    where = str(room.dir) + "/"
    return {
        "exit": done.returncode,
        "stdout": without_vendor(done.stdout.replace(where, "")),
        "stderr": done.stderr.replace(where, ""),
    }


def decoded(text: str) -> Any:
    """Decode JSON output without identities."""
    try:
        return stable(json.loads(text))
    except ValueError as error:
        raise RuntimeError(f"the answer is no JSON: {short(text)}") from error


def compare(step: Step, got: dict[str, Any], room: Room) -> list[str]:
    """Return what differs between an answer and its record."""
    wrong = []
    if got["exit"] != step.get("exit", 0):
        wrong.append(
            f"exit {got['exit']}, expected {step.get('exit', 0)}; stderr {got['stderr'][-300:]!r}"
        )
    loose = step.get("spaces") == "any"
    for stream in ("stdout", "stderr"):
        if stream in step:
            expected, actual = room.fill(step[stream]), got[stream]
            if step.get("sort"):
                expected, actual = ("\n".join(sorted(t.splitlines())) for t in (expected, actual))
            if not pattern_of(expected, loose).fullmatch(squeeze(actual, loose)):
                wrong.append(f"{stream} {short(actual)}, expected {short(expected)}")
    for text in step.get("stderr_contains", []):
        if not pattern_of(room.fill(text), loose).search(squeeze(got["stderr"], loose)):
            wrong.append(f"stderr lacks {text!r}: {short(got['stderr'])}")
    if "table" in step:
        rows = parse_table(got["stdout"])
        wanted = json.loads(room.fill(json.dumps(step["table"])))
        if step.get("sort"):
            rows, wanted = rows[:1] + sorted(rows[1:]), wanted[:1] + sorted(wanted[1:])
        wrong += [f"table{p}" for p in matches(wanted, rows)]
    if "json" in step:
        wrong += [f"json{p}" for p in matches(filled(room, step["json"]), decoded(got["stdout"]))]
    for path, expected in step.get("object", {}).items():
        wrong += [
            f"{path}{p}"
            for p in matches(filled(room, expected), pick(decoded(got["stdout"]), path))
        ]
    return wrong


def filled(room: Room, value: Any) -> Any:
    """Put the variables into every text of a structure."""
    return json.loads(room.fill(json.dumps(value)))


def squeeze(text: str, loose: bool) -> str:
    """Drop the alignment of a text when it does not matter."""
    return squeezed(text) if loose else text


def short(text: str, limit: int = 400) -> str:
    """Show a text on one line."""
    return repr(text if len(text) <= limit else text[:limit] + "...")


def record(step: Step, got: dict[str, Any], room: Room) -> Step:
    """Fill the answer into a step that has none."""
    loose = step.get("spaces") == "any"
    kept = {
        k: v
        for k, v in step.items()
        if k in ("run", "py", "with", "why", "stdin", "settle", "as", "spaces", "sort", "take")
    }
    kept["exit"] = got["exit"]
    form = step.get("as", "json" if "py" in step else "text")
    if "object" in step:
        found = decoded(got["stdout"])
        paths = step["object"]
        kept["object"] = {
            p: masked_json(pick(found, p), room.ns, p.rpartition(".")[2]) for p in paths
        }
    elif form == "json":
        kept["json"] = masked_json(decoded(got["stdout"]), room.ns)
    elif form == "table":
        kept["table"] = table_of(got["stdout"], room.ns)
    elif form == "text" and "py" not in step:
        kept["stdout"] = masked(squeeze(got["stdout"], loose), room.ns, ages=loose)
    if form != "quiet" and "py" not in step and (got["stderr"] or form in ("text", "table")):
        kept["stderr"] = masked(squeeze(got["stderr"], loose), room.ns, ages=loose)
    for key in ("stdout", "stderr"):
        if step.get("take", {}).get(key) == "no":
            kept.pop(key, None)
    return kept


def settle(step: Step, room: Room, judge: bool) -> tuple[dict[str, Any], list[str]]:
    """Run a step; one with "settle" is repeated until it agrees or time is up."""
    patience = float(step.get("settle", 0))
    if not judge:
        time.sleep(patience)
        return execute(step, room), []
    end = time.time() + patience * 4 + (5 if patience else 0)
    while True:
        got = execute(step, room)
        wrong = compare(step, got, room)
        if not wrong or time.time() >= end:
            return got, wrong
        time.sleep(0.5)


def run(path: Path, options: argparse.Namespace) -> tuple[int, list[str]]:
    """Run a scenario; return the number of good steps and the lines about the others."""
    scenario = yaml.safe_load(path.read_text())
    name, good, lines, room = scenario["name"], 0, [], None
    recorded = []
    try:
        room = Room(scenario, options.kubeconfig, options.kubectl)
        for number, step in enumerate(scenario["steps"], 1):
            unknown = set(step) - KEYS
            if unknown:
                raise RuntimeError(f"step {number}: unknown field {sorted(unknown)}")
            got, wrong = settle(step, room, not options.record)
            if options.record:
                recorded.append(record(step, got, room))
            good += not wrong
            if wrong:
                what = (step.get("run") or step.get("py", ""))[:70].replace("\n", " ")
                lines.append(
                    f"{name}[{number}] {what}: " + "; ".join(wrong)[:1500].replace("\n", "\\n")
                )
    except Exception as error:  # noqa: BLE001 - one broken scenario must not hide the others
        lines.append(f"{name}: {type(error).__name__}: {error}"[:600].replace("\n", "\\n"))
    finally:
        if room:
            room.leave(scenario)
    if options.record and not lines:
        text = yaml.dump(
            {**scenario, "steps": recorded},
            Dumper=Blocks,
            sort_keys=False,
            width=110,
            allow_unicode=True,
        )
        (Path(options.record) / path.name).write_text(text)
    return good, lines


class Blocks(yaml.SafeDumper):
    """YAML with texts of several lines as literal blocks."""


def block(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    """Choose the literal form where it can hold the text."""
    literal = "\n" in text.rstrip("\n") or (text.endswith("\n") and len(text) > 1)
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if literal else None)


Blocks.add_representer(str, block)
Blocks.ignore_aliases = lambda *_: True  # type: ignore[method-assign]


def main() -> int:
    """Run the files; print failures and the sum."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kubeconfig", required=True)
    parser.add_argument("--kubectl", default="kubectl")
    parser.add_argument("--fake-kubelet", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--jobs", type=int, default=3)
    parser.add_argument("--record")
    parser.add_argument("files", nargs="+", type=Path)
    options = parser.parse_args()
    files = [f for f in sorted(options.files) if options.only in f.stem]
    kubelet = None
    if options.fake_kubelet:
        script = Path(__file__).with_name("fake_kubelet.py")
        kubelet = subprocess.Popen(
            [sys.executable, str(script), "--kubeconfig", options.kubeconfig]
        )
        time.sleep(4)
    else:
        files = [f for f in files if yaml.safe_load(f.read_text()).get("needs", "api") == "api"]
    passed = failed = 0
    try:
        with ThreadPoolExecutor(options.jobs) as pool:
            for good, lines in pool.map(lambda f: run(f, options), files):
                passed += good
                failed += len(lines)
                for line in lines:
                    print(line, flush=True)
    finally:
        if kubelet:
            time.sleep(6)  # the pods of the last scenarios end before their node does
            kubelet.terminate()
            kubelet.wait()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
