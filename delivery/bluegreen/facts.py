"""What is known of an application at one moment, without the objects themselves. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from delivery.bluegreen.colours import Colour
from delivery.bluegreen.record import Live, Phase, Release
from delivery.clock import read_time

LINGER_SECONDS = 3


@dataclass(frozen=True)
class Side:
    """One Deployment: that of a colour, or the plain one.

    `ready`: ready pods of its present template that the Service would find if it were selected. `routed`:
    endpoints of its pods, of any template, in the active Service's slices. `hopeless`: waiting changes nothing.
    `fits`: it can take the wanted Deployment; its selector can never change. `previewed`: those of `ready`
    that are in the preview's slices. `spare`: how many pods may be missing, its `maxUnavailable`.
    `content` is a digest of its template; `ours` tells whether this run's name stands on it.
    """

    exists: bool = False
    wanted: int = 0
    ready: int = 0
    routed: int = 0
    previewed: int = 0
    rolled_out: bool = False
    spare: int = 0
    content: str = ""
    release: Release | None = None
    ours: bool = True
    hopeless: bool = False
    fits: bool = True


@dataclass(frozen=True)
class Facts:
    """What is known of an application.

    `live` is the colour that the active Service selects, `preview` that of the preview Service, and
    `preview_ours` tells whether this run's name stands on that one.
    `foreign`: endpoints of the active Service that belong to none of our Deployments. `blind`: the Service
    selects by no label, or by nothing but the colour.
    """

    now: datetime
    service: bool = False
    ours: bool = True
    live: Colour | None = None
    record: Live | None = None
    has_preview: bool = False
    preview: Colour | None = None
    preview_ours: bool = True
    sides: Mapping[Colour, Side] = field(default_factory=dict)
    plain: Side = field(default_factory=Side)
    foreign: int = 0
    blind: bool = False

    @property
    def claimed(self) -> bool:
        """Tell whether this run's name stands on everything that is there."""
        return self.ours and self.plain.ours and all(side.ours for side in self.sides.values())

    @property
    def traces(self) -> bool:
        """Tell whether anything of blue-green is there."""
        return bool(self.live or self.has_preview or any(x.exists for x in self.sides.values()))

    @property
    def target(self) -> Colour:
        """The colour that the next release goes to: the idle one; blue when none is live."""
        return self.live.other if self.live else Colour.BLUE

    def side(self, colour: Colour) -> Side:
        """Tell what is known of a colour."""
        return self.sides.get(colour, Side())

    @property
    def idle(self) -> Side:
        """The side of `target`."""
        return self.side(self.target)

    @property
    def active(self) -> Side:
        """What serves: the live colour, or the plain Deployment."""
        return self.side(self.live) if self.live else self.plain

    @property
    def running(self) -> Release | None:
        """The release that is live."""
        return self.record.release if self.record else self.active.release

    @property
    def previous(self) -> Release | None:
        """The release to go back to, if its place was not taken."""
        wanted, found = self.record.previous if self.record else None, self.idle.release
        return wanted if wanted and found and found.id == wanted.id else None

    @property
    def drifted(self) -> bool:
        """Tell whether somebody changed the pods of the live release since it was judged."""
        judged = self.record.release.content if self.record and self.live else ""
        return bool(judged) and self.active.content != judged

    def serves(self, release: Release) -> bool:
        """Tell whether users have just this release, as it was delivered."""
        same = self.live and self.running and self.running.digest == release.digest
        return bool(same) and not self.drifted

    @property
    def unfinished(self) -> Release | None:
        """The release on idle that was never live and was not rejected."""
        held, record = self.idle.release, self.record
        if held is None or held.phase is Phase.REJECTED:
            return None
        lived = record and held.id in (record.left, record.previous.id if record.previous else "")
        return None if lived else held


def needed(facts: Facts) -> int:
    """How many ready endpoints the target needs before it may be switched to: those of what is live."""
    return max(1, facts.active.wanted if facts.live else facts.idle.wanted)


def needed_back(facts: Facts) -> int:
    """How many the release before needs when nothing is wrong; any is better than a live one that has none."""
    if not facts.active.ready:
        return 1
    return max(1, facts.active.wanted - facts.idle.spare)


def expired(facts: Facts, seconds: float) -> bool:
    """Tell whether what idle holds has been in its phase for longer than that."""
    held = facts.idle.release
    return held is None or facts.now - read_time(held.since) > timedelta(seconds=seconds)


def standby_over(facts: Facts) -> bool:
    """Tell whether the standby window is over."""
    until = facts.record.standby_until if facts.record else ""
    return not until or facts.now >= read_time(until)


def just_selected(facts: Facts) -> bool:
    """Tell whether users were sent elsewhere a moment ago; proxies and ingress follow the slices late."""
    if facts.record is None:
        return False
    return abs(facts.now - read_time(facts.record.since)) < timedelta(seconds=LINGER_SECONDS)


def adoptable(facts: Facts) -> Colour | None:
    """Find the colour to narrow a plain selector to.

    A clone on blue when there is a plain Deployment. When there is none, somebody took the colour out of
    the selector: the colour that was live, or the only one that serves.
    """
    if facts.plain.wanted:
        return Colour.BLUE
    serving = [colour for colour in Colour if facts.side(colour).ready]
    for colour in serving:
        held = facts.side(colour).release
        if facts.record and held and held.id == facts.record.release.id:
            return colour
    return serving[0] if len(serving) == 1 else None
