#!/usr/bin/env python3
"""`session_cli.py session`: the smallest CLI that the recorded cases can be replayed with."""

import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from drydock.engine.client import attach

with attach(os.environ, Path.cwd()) as attached:
    print(json.dumps({"port": attached.port, "session_token": attached.token}), flush=True)
    sys.stdin.read()
