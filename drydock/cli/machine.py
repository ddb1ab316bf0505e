"""The verbs for the machine itself: start, stop, status, doctor, prune.

They print one line a fact on standard output and errors on standard error; the exit code is 1 when something is wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from drydock.runtime.errors import RuntimeFault
from drydock.runtime.invocation import typed
from drydock.supervisor import (
    Machine,
    MachineError,
    Running,
    doctor,
    start,
    status,
    stop,
    user_defaults,
)

VERBS = {
    "start": "Start the local registry, cluster and engine, and write the user defaults.",
    "stop": "Stop what start started; images, caches and deployed objects are kept.",
    "status": "Show what runs and where.",
    "doctor": "Say what this machine lacks and how to get it.",
    "prune": "Remove results, layers and blobs that were not used lately; cache volumes, the registry and the cluster stay.",
}
_DAY_S = 24 * 3600.0


def main(verb: str, argv: list[str]) -> int:
    """Run one verb; return the exit code."""
    options = _parser(verb).parse_args(argv)
    try:
        machine = Machine.from_environment({**os.environ, **_variables(options)})
        return _ACTIONS[verb](machine, options)
    except (MachineError, RuntimeFault, ValueError) as error:
        sys.stderr.write(f"Error: {error}\n")
        return 1
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        sys.stderr.write(
            f"Error: {error.filename or machine.state_dir}: {reason}; "
            "check DRYDOCK_STATE_DIR and DRYDOCK_CONFIG_DIR, and run it as root\n"
        )
        return 1


def _parser(verb: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"drydock {verb}", description=VERBS[verb])
    if verb == "start":
        parser.add_argument(
            "--registry-port", metavar="PORT", help="port of the registry on 127.0.0.1 (5000)"
        )
        parser.add_argument(
            "--api-port", metavar="PORT", help="port of the Kubernetes API on 127.0.0.1 (6443)"
        )
        parser.add_argument(
            "--ingress-port", metavar="PORT", help="port of the ingress on 127.0.0.1 (8080)"
        )
        parser.add_argument(
            "--kubelet", choices=("on", "off"), help="run pods on this machine (on)"
        )
        parser.add_argument("--quiet", action="store_true", help="say only what is being started")
        parser.add_argument(
            "--no-env", action="store_true", help="do not write .env beside dagger.json"
        )
    if verb == "prune":
        parser.add_argument(
            "--unused-for", metavar="DAYS", type=float, default=7.0, help="how long unused (7)"
        )
    if verb in {"status", "doctor"}:
        parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def _variables(options: argparse.Namespace) -> dict[str, str]:
    flags = {
        "DRYDOCK_REGISTRY_PORT": "registry_port",
        "DRYDOCK_API_PORT": "api_port",
        "DRYDOCK_INGRESS_PORT": "ingress_port",
        "DRYDOCK_KUBELET": "kubelet",
    }
    return {name: value for name, flag in flags.items() if (value := getattr(options, flag, None))}


def _start(machine: Machine, options: argparse.Namespace) -> int:
    running = start(machine, lambda line: print(f"  {line}", flush=True))
    folder = user_defaults.find_module(Path.cwd())
    written = None
    if folder is not None and not options.no_env:
        written = user_defaults.write(folder, running)
    if options.quiet:
        return 0
    print("Drydock is up.")
    _print_facts(running)
    if written is not None:
        if written.names:
            print(f"  defaults    {written.path}: {', '.join(written.names)}")
        for name in written.kept:
            print(f"  defaults    {written.path} already sets {name}; left as it is")
    print("Next, to look around and to ship:")
    print(f"  export KUBECONFIG={running.kubeconfig}")
    print(f"  {typed('call ship --env=local')}")
    return 0


def _stop(machine: Machine, _: argparse.Namespace) -> int:
    print("Drydock has stopped." if stop(machine) else "Drydock was not running.")
    return 0


def _status(machine: Machine, options: argparse.Namespace) -> int:
    running = status(machine)
    if options.json:
        print(json.dumps(_facts(running, machine), indent=2))
    elif running is None:
        print(f"Drydock is not running. Next: {typed('start')}")
    else:
        print("Drydock is running.")
        _print_facts(running)
    return 0 if running else 1


def _doctor(machine: Machine, options: argparse.Namespace) -> int:
    findings = doctor.examine(machine)
    bad = [finding for finding in findings if not finding.ok]
    if options.json:
        print(json.dumps([vars(finding) for finding in findings], indent=2))
        return 1 if bad else 0
    width = max(len(finding.name) for finding in findings)
    for finding in findings:
        print(
            f"{'ok     ' if finding.ok else 'MISSING'} {finding.name.ljust(width)}  {finding.detail}"
        )
        if finding.remedy:
            print(f"{' ' * (9 + width)} -> {finding.remedy}")
    packages = sorted(
        {f.remedy.removeprefix("apt-get install ") for f in bad if f.remedy.startswith("apt-get ")}
    )
    if packages:
        print(f"\nAll Debian packages at once: apt-get install {' '.join(packages)}")
    print(
        "\nThis machine is ready." if not bad else f"\n{len(bad)} of {len(findings)} checks failed."
    )
    return 1 if bad else 0


def _prune(machine: Machine, options: argparse.Namespace) -> int:
    if status(machine):
        raise MachineError(
            f"Drydock is running; what it holds cannot be pruned. Next: {typed('stop')}"
        )
    from drydock.engine.prune import prune
    from drydock.runtime.state import StateDir

    state = StateDir(machine.state_dir)
    try:
        pruned = prune(state, options.unused_for * _DAY_S)
    finally:
        state.close()
    print(f"Freed {pruned.freed / 1e6:.1f} MB; {pruned.entries} cached results and ids are gone.")
    return 0


def _print_facts(running: Running) -> None:
    print(
        f"  registry    127.0.0.1:{running.ports.registry}  (images are named localhost:{running.ports.registry}/...)"
    )
    print(f"  cluster     https://127.0.0.1:{running.ports.api}")
    print(f"  kubeconfig  {running.kubeconfig}")
    print(f"  ingress     http://127.0.0.1:{running.ports.ingress}")


def _facts(running: Running | None, machine: Machine) -> dict[str, object]:
    if running is not None:
        return running.facts()
    cluster = {"kubeconfig": str(machine.kubeconfig)}
    return {"running": False, "state_dir": str(machine.state_dir), "cluster": cluster}


_ACTIONS = {"start": _start, "stop": _stop, "status": _status, "doctor": _doctor, "prune": _prune}
