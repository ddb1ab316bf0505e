"""The order of a release: a service begins when those that it comes after have rolled out.

Pure. The plan is refused when its order is none; then the release asks what is due, again and again.
"""

from collections.abc import Iterable, Mapping

from delivery.errors import PlanError

After = Mapping[str, tuple[str, ...]]
"""Which services each service comes after, by name."""


def check_order(after: After) -> None:
    """Refuse names that are not in the plan, and services that wait for each other."""
    for name, others in after.items():
        for other in others:
            if other not in after:
                known = ", ".join(after)
                told = f"plan: {name} comes after {other!r}, which is not in the plan"
                raise PlanError(f"{told}; it delivers {known}")
    done: set[str] = set()
    while len(done) < len(after):
        free = due(after, begun=done, done=done)
        if not free:
            circle = " -> ".join(_circle(after, [name for name in after if name not in done]))
            raise PlanError(f"plan: these services wait for each other: {circle}")
        done |= set(free)


def due(after: After, begun: Iterable[str], done: Iterable[str]) -> list[str]:
    """List the services that may begin now."""
    gone, finished = set(begun), set(done)
    return [name for name, others in after.items() if name not in gone and finished >= set(others)]


def depth(after: After) -> int:
    """Count the rollouts on the longest way through the order; 1 when nobody waits."""
    done: set[str] = set()
    steps = 0
    while len(done) < len(after):
        done |= set(due(after, begun=done, done=done))
        steps += 1
    return max(1, steps)


def _circle(after: After, stuck: list[str]) -> list[str]:
    """Walk from one service to the next that it waits for, until one comes again."""
    way = [stuck[0]]
    while True:
        following = next(other for other in after[way[-1]] if other in stuck)
        if following in way:
            return [*way[way.index(following) :], following]
        way.append(following)
