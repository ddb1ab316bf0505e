#!/usr/bin/env python3
"""Measure Shipyard on this machine and write docs/benchmarks.md.

Usage: .venv/bin/python -m tools.bench [--only ship|delivery] [--runs N] [--switches N]
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

from tests.e2e.workplace import CHECKOUT
from tools.bench import releases, ship
from tools.bench.page import SHIPPING, section, write

PARTS = {"ship": SHIPPING, "delivery": "Delivery"}


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--only", choices=list(PARTS), help="one part; the others stay as they are")
    parser.add_argument("--runs", type=int, default=5, help="runs a number is the median of (5)")
    parser.add_argument("--switches", type=int, default=20, help="switches, and as many back (20)")
    parser.add_argument("--output", type=Path, default=CHECKOUT / "docs" / "benchmarks.md")
    options = parser.parse_args()
    for part in [options.only] if options.only else list(PARTS):
        root = Path(tempfile.mkdtemp(prefix=f"shipyard-bench-{part}-", dir="/var/tmp"))
        try:
            if part == "ship":
                words, rows = ship.measure(root, options.runs)
            else:
                words, rows = releases.measure(root, options.switches)
        finally:
            shutil.rmtree(root)
        write(options.output, PARTS[part], section(words, rows))
    print(options.output.read_text())


if __name__ == "__main__":
    main()
