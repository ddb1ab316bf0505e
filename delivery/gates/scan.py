"""A program of its own: search text for patterns. Standard input and output are JSON.

A pattern can be such that a search takes for ever, and a search cannot be stopped from within: it would also
stop the thread that renews the lock. So the `logs` gate runs this beside itself and ends it when it takes too long.
"""

import json
import re
import sys

LONGEST_LINE = 4096


def search(forbidden: list[str], allowed: list[str], text: str) -> dict[str, object]:
    """Count the lines, and those that match a forbidden pattern and no allowed one; tell the first of them."""
    bad, good = [re.compile(each) for each in forbidden], [re.compile(each) for each in allowed]
    lines = [line[:LONGEST_LINE] for line in text.splitlines() if line.strip()]
    hits = []
    for line in lines:
        found = next((each.pattern for each in bad if each.search(line)), None)
        if found is not None and not any(each.search(line) for each in good):
            hits.append((found, line))
    first = hits[0] if hits else ("", "")
    return {"lines": len(lines), "hits": len(hits), "pattern": first[0], "line": first[1]}


if __name__ == "__main__":
    asked = json.load(sys.stdin)
    json.dump(search(asked["forbidden"], asked["allowed"], asked["text"]), sys.stdout)
