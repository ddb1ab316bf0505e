"""Whatever is there, and whatever is wanted: the next move never takes anything from users."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from delivery.bluegreen.colours import Colour
from delivery.bluegreen.decision import decide
from delivery.bluegreen.facts import Facts, Side
from delivery.bluegreen.record import Live, Phase, Release, Standing
from delivery.bluegreen.states import TRANSITIONS, Aim, Goal, Move, State, state_of
from delivery.clock import read_time, write_time

NOW = read_time("2026-01-01T12:00:00Z")
MOMENTS = st.sampled_from([0, 2, 10, 200, 5000]).map(
    lambda seconds: write_time(NOW - timedelta(seconds=seconds))
)
SETTINGS = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
IDS = st.sampled_from(["a", "b", "c", "found-d"])


@st.composite
def releases(draw: st.DrawFn) -> Release:
    """Draw a release."""
    name = draw(IDS)
    return Release(
        id=name,
        digest=f"digest-{name}",
        version=name,
        revision="",
        image="",
        phase=draw(st.sampled_from(Phase)),
        since=draw(MOMENTS),
        selector={},
        replicas=draw(st.sampled_from([None, 2, 3])),
        barrier=draw(st.sampled_from(["", "a migration"])),
        content=draw(st.sampled_from(["", "digest-a"])),
    )


@st.composite
def sides(draw: st.DrawFn) -> Side:
    """Draw a Deployment that is there."""
    wanted = draw(st.integers(0, 4))
    ready = draw(st.integers(0, wanted))
    return Side(
        exists=True,
        wanted=wanted,
        ready=ready,
        routed=draw(st.integers(0, 2)),
        previewed=draw(st.integers(0, ready)),
        rolled_out=draw(st.booleans()),
        spare=draw(st.integers(0, 1)),
        content=draw(st.sampled_from(["digest-a", "digest-b"])),
        release=draw(releases()),
        ours=draw(st.sampled_from([True, True, True, False])),
        hopeless=draw(st.booleans()),
        fits=draw(st.sampled_from([True, True, False])),
    )


@st.composite
def situations(draw: st.DrawFn) -> Facts:
    """Draw what may be seen of an application; a record is about the release that is selected."""
    colours = {colour: draw(sides()) for colour in draw(st.sets(st.sampled_from(Colour)))}
    service = draw(st.sampled_from([True, True, True, False]))
    live = draw(st.sampled_from([None, *colours])) if service else None
    record = None
    beside = colours[live.other].release if live and live.other in colours else None
    if live is not None and draw(st.sampled_from([True, True, False])):
        record = Live(
            standing=draw(st.sampled_from(Standing)),
            release=colours[live].release or draw(releases()),
            since=draw(MOMENTS),
            previous=draw(st.just(beside) | st.none() | releases()),
            left=draw(st.just("") | IDS),
            standby_until=draw(st.just("") | MOMENTS),
        )
    return Facts(
        now=NOW,
        service=service,
        ours=draw(st.sampled_from([True, True, False])),
        live=live,
        record=record,
        has_preview=draw(st.booleans()),
        preview=draw(st.none() | st.sampled_from(Colour)),
        preview_ours=draw(st.booleans()),
        sides=colours,
        plain=draw(st.just(Side()) | sides()),
        foreign=draw(st.integers(0, 1)),
    )


@settings(SETTINGS, max_examples=600)
@given(situations(), st.sampled_from(Goal), st.none() | releases())
def test_no_move_takes_anything_from_users(
    facts: Facts, goal: Goal, release: Release | None
) -> None:
    state, idle, active, plain = state_of(facts), facts.idle, facts.active, facts.plain
    # Who leaves ends a watch first.
    assume(goal is not Goal.EXIT or state is not State.WATCHING)
    move = decide(facts, Aim(goal, release, 60))
    if move in TRANSITIONS:
        assert state in TRANSITIONS[move][0]
        assert move is Move.CLAIM or facts.claimed
    if move is Move.SWITCH:
        assert idle.rolled_out
        assert idle.ready >= max(1, active.wanted if facts.live else 0)
        assert facts.unfinished is not None
        assert facts.unfinished.phase is Phase.PREVIEWED
    if move is Move.BACK:
        assert facts.previous is not None
        bad = goal is Goal.UNDO or not active.ready
        assert idle.ready >= max(1, 1 if bad else active.wanted - idle.spare)
    if move is Move.RETIRE and facts.live:
        assert not idle.routed
    if move is Move.REMOVE_PLAIN:
        assert facts.live
        assert not plain.routed
    if move is Move.REMOVE_COLOUR and facts.live:
        assert not idle.routed
    if move is Move.REMOVE_COLOUR and facts.service and not facts.live:
        gone = next(side for side in facts.sides.values() if side.exists)
        serves = plain.rolled_out and plain.routed >= max(1, plain.wanted)
        assert serves or not (gone.routed or gone.ready)
    if move is Move.ADOPT and plain.wanted:
        assert facts.side(Colour.BLUE).ready >= plain.ready > 0
    if move is Move.WIDEN:
        assert plain.rolled_out
        assert plain.ready >= max(1, active.wanted)


@SETTINGS
@given(sides(), sides(), st.sampled_from([Standing.WATCHING, Standing.SETTLED]), MOMENTS)
def test_a_way_back_is_taken_as_soon_as_it_carries_or_when_what_is_live_is_bad(
    active: Side, idle: Side, standing: Standing, since: str
) -> None:
    active, idle = replace(active, ours=True), replace(idle, ours=True)
    assert active.release is not None
    running = replace(active.release, id="live", barrier="")
    active = replace(active, release=running)
    record = Live(standing, running, since, previous=idle.release)
    colours = {Colour.BLUE: idle, Colour.GREEN: active}
    facts = Facts(NOW, service=True, live=Colour.GREEN, record=record, sides=colours)
    enough = max(1, active.wanted - idle.spare) if active.ready else 1
    assert (decide(facts, Aim(Goal.ROLLBACK)) is Move.BACK) is (idle.ready >= enough)
    if standing is Standing.WATCHING:
        whole = idle.wanted >= max(1, active.wanted)
        there = Move.BACK if idle.ready else Move.AWAIT
        assert decide(facts, Aim(Goal.UNDO)) is (there if whole else Move.SCALE)
    warm = decide(facts, Aim(Goal.WARM))
    assert (warm is Move.DONE) is (idle.ready >= enough)


@SETTINGS
@given(situations(), st.sampled_from([Goal.ROLLBACK, Goal.UNDO, Goal.WARM]))
def test_nobody_goes_back_to_what_is_not_there_any_more(facts: Facts, goal: Goal) -> None:
    taken = {colour: replace(side, release=None) for colour, side in facts.sides.items()}
    facts = replace(facts, sides=taken)
    assert decide(facts, Aim(goal)) is not Move.BACK


@SETTINGS
@given(situations())
def test_a_failed_release_beyond_a_barrier_is_noted_and_stays(facts: Facts) -> None:
    if facts.record is None or not facts.claimed or state_of(facts) is not State.WATCHING:
        return
    barred = replace(facts.record.release, barrier="a migration")
    facts = replace(facts, record=replace(facts.record, release=barred))
    assert decide(facts, Aim(Goal.UNDO)) is Move.SETTLE
