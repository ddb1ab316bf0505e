"""Container logs."""

from __future__ import annotations

import asyncio

from drydock.cluster.kubelet import logs
from drydock.cluster.kubelet.logs import ContainerLog, ContainerLogs
from drydock.cluster.node import LogOptions


async def lines(log: ContainerLog, **options: object) -> list[str]:
    return [line.decode() async for line in log.read(LogOptions(**options))]


async def test_pieces_become_whole_lines(tmp_path):
    """A line may come in pieces; what is left at the end is a line too."""
    log = ContainerLog(tmp_path / "log")
    write = log.sink("stdout")
    for piece in (b"on", b"e\ntwo\nth", b"ree"):
        write(piece)
    assert await lines(log) == ["one\n", "two\n"]
    log.close()
    assert await lines(log) == ["one\n", "two\n", "three\n"]


async def test_tail_limit_and_times(tmp_path):
    """The options of kubectl logs cut the log."""
    log = ContainerLog(tmp_path / "log")
    log.sink("stderr")(b"a\nb\nc\n")
    assert await lines(log, tail_lines=2) == ["b\n", "c\n"]
    assert await lines(log, tail_lines=0) == []
    assert await lines(log, limit_bytes=3) == ["a\n", "b"]
    (line,) = await lines(log, tail_lines=1, timestamps=True)
    when, _, text = line.partition(" ")
    assert text == "c\n"
    assert len(when) == len("2026-11-22T10:00:00.000000000Z")
    assert await lines(log, since_time="2999-01-01T00:00:00Z") == []
    assert len(await lines(log, since_seconds=3600)) == 3
    log.close()


async def test_following_misses_nothing_and_ends_with_the_log(tmp_path):
    """Lines written while a reader follows arrive in order."""
    log = ContainerLog(tmp_path / "log")
    write = log.sink("stdout")
    write(b"0\n")
    reading = asyncio.create_task(lines(log, follow=True))
    for number in range(1, 50):
        write(f"{number}\n".encode())
        await asyncio.sleep(0)
    log.close()
    assert await reading == [f"{number}\n" for number in range(50)]


async def test_a_log_is_bounded(tmp_path, monkeypatch):
    """The oldest lines go, the newest stay."""
    monkeypatch.setattr(logs, "LIMIT", 1000)
    log = ContainerLog(tmp_path / "log")
    write = log.sink("stdout")
    for number in range(500):
        write(f"line {number}\n".encode())
    log.close()
    kept = await lines(log)
    assert kept[-1] == "line 499\n"
    assert 10 < len(kept) < 100
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 2000


async def test_only_one_earlier_run_is_kept(tmp_path):
    """The third run drops the first."""
    kept = ContainerLogs(tmp_path)
    for number in range(3):
        log = kept.begin()
        log.sink("stdout")(f"run {number}\n".encode())
        log.close()
    assert await lines(kept.previous) == ["run 1\n"]
    assert await lines(kept.current) == ["run 2\n"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1", "2"]
