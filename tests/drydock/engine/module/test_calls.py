"""Functions run in the SDK, see only what they may, and their results are kept as they ask."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from drydock.engine.engine import Engine
from drydock.engine.node import Nodes
from drydock.runtime.network import NAMESERVER

pytestmark = pytest.mark.root
Module = Callable[..., Path]
Open = Callable[..., Any]

DICE = """
    @function
    def dice(self) -> str:
        return secrets.token_hex(8)

    @function(cache="never")
    def fresh(self) -> str:
        return secrets.token_hex(8)

    @function(cache="session")
    def brief(self) -> str:
        return secrets.token_hex(8)

    @function(cache="1s")
    def second(self) -> str:
        return secrets.token_hex(8)

    @function
    def hidden(self) -> dagger.Secret:
        return dag.set_secret("s", secrets.token_hex(8))
"""


async def test_results_are_kept_as_the_function_asks(module: Module, caller: Open) -> None:
    """The default outlives the session, `session` the call, `never` nothing."""
    folder = module(DICE)
    seen = []
    for _ in range(2):
        one = caller(folder)
        await one.load()
        seen += [await one.ask("{ probe { dice fresh brief } }") for _ in range(2)]
        await one.session.close()
    dice = [answer["probe"]["dice"] for answer in seen]
    fresh = [answer["probe"]["fresh"] for answer in seen]
    brief = [answer["probe"]["brief"] for answer in seen]
    assert len(set(dice)) == 1
    assert len(set(fresh)) == len(fresh)
    assert brief[0] == brief[1]
    assert brief[2] == brief[3]
    assert brief[0] != brief[2]


async def test_a_result_that_names_lost_ids_is_made_again(
    module: Module, caller: Open, engine: Engine
) -> None:
    """An engine that was killed may have kept a result, but not yet what its ids stand for."""
    folder = module("""
        @function
        def folder(self) -> dagger.Directory:
            return dag.directory().with_new_file("name", "text")
        """)
    query = "{ probe { folder { entries } } }"
    one = caller(folder)
    await one.load()
    first = await one.ask(query)
    await one.session.close()
    engine.state.index.clear("node")
    engine.nodes = Nodes(engine.state.index)
    other = caller(folder)
    await other.load()
    assert await other.ask(query) == first


async def test_a_changed_module_runs_again(module: Module, caller: Open) -> None:
    """The module's content is part of every key."""
    first = caller(module(DICE))
    await first.load()
    before = await first.ask("{ probe { dice } }")
    second = caller(module(DICE + "\n    other: int = 1\n"))
    await second.load()
    assert await second.ask("{ probe { dice } }") != before


async def test_results_with_a_secret_die_with_the_session(module: Module, caller: Open) -> None:
    """A secret that was set by name has no value in another session."""
    folder = module(DICE)
    values = []
    for _ in range(2):
        one = caller(folder)
        await one.load()
        values.append(await one.ask("{ probe { hidden { plaintext } } }"))
        await one.session.close()
    assert values[0] != values[1]


async def test_failures_are_never_kept(module: Module, caller: Open) -> None:
    """A failing function runs again, and says what the SDK says."""
    folder = module("""
        @function
        def boom(self) -> str:
            print("tried")
            raise ValueError("no luck")
        """)
    one = caller(folder)
    await one.load()
    for _ in range(2):
        error = await one.fail("{ probe { boom } }")
        assert error["message"].startswith("FunctionError: no luck [traceparent:")
    assert one.output().count("tried") == 2
    assert "ValueError: no luck" in one.output()


async def test_exit_codes_pass_through(module: Module, caller: Open) -> None:
    """`sys.exit` is neither a result nor a traceback."""
    folder = module("""
        @function
        def leave(self) -> str:
            sys.exit(3)
        """)
    one = caller(folder)
    await one.load()
    error = await one.fail("{ probe { leave } }")
    assert error["message"].startswith('call function "leave": exit code: 3')
    assert error["extensions"]["exitCode"] == 3
    assert "Traceback" not in one.output()


async def test_a_function_sees_nothing_of_the_machine(
    module: Module, caller: Open, tmp_path: Path
) -> None:
    """No variable, no file, no mount right and no host object of its caller."""
    (tmp_path / "private").write_text("for nobody")
    folder = module(f"""
        @function
        def look(self) -> list[str]:
            return [
                str(os.environ.get("ONLY_CALLER")),
                str(os.path.exists({str(tmp_path / "private")!r})),
                os.getcwd(),
                str(os.listdir(".")),
                str(hasattr(dag, "host")),
                str(subprocess.run(["mount", "-t", "tmpfs", "x", "/tmp"], capture_output=True).returncode),
                __file__.split("/")[1],
            ]

        @function
        async def caller_secret(self) -> str:
            return await dag.secret("env://ONLY_CALLER").plaintext()

        @function
        async def caller_file(self) -> str:
            return await dag.secret("file:///etc/passwd").plaintext()
        """)
    one = caller(folder, ONLY_CALLER="secret value")
    await one.load()
    seen = (await one.ask("{ probe { look } }"))["probe"]["look"]
    assert seen[:5] == ["None", "False", "/scratch", "[]", "False"]
    assert seen[5] != "0"
    assert seen[6] == "src"
    error = await one.fail("{ probe { callerSecret } }")
    assert 'secret env var not found: "ONL..."' in error["message"]
    error = await one.fail("{ probe { callerFile } }")
    assert "take the secret as an argument" in error["message"]


@pytest.mark.parametrize(
    "made",
    [
        'dag.directory().with_new_file("x", "text")',
        'dag.file("x", "text")',
        "dag.container()",
        'dag.directory().with_new_file("x", "text").changes(dag.directory())',
    ],
)
async def test_a_function_writes_nothing_to_the_machine(
    module: Module, caller: Open, tmp_path: Path, made: str
) -> None:
    """What it may not read there, it may not write to either."""
    target = tmp_path / "written"
    folder = module(f"""
        @function
        async def write(self) -> str:
            return await {made}.export({str(target)!r})
        """)
    one = caller(folder)
    await one.load()
    error = await one.fail("{ probe { write } }")
    assert "a function cannot write to its caller's machine" in error["message"]
    assert not target.exists()


async def test_a_function_has_a_network_of_its_own(module: Module, caller: Open) -> None:
    """Of the machine's loopback it sees nothing but the engine's port; names are asked for outside."""
    folder = module("""
        @function
        def reach(self, port: int) -> list[str]:
            import socket
            try:
                socket.create_connection(("127.0.0.1", port), 5).close()
                found = "connected"
            except OSError as error:
                found = type(error).__name__
            engine = ("127.0.0.1", int(os.environ["DAGGER_SESSION_PORT"]))
            socket.create_connection(engine, 5).close()
            return [found, open("/etc/resolv.conf").readline().strip()]
        """)
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    one = caller(folder)
    await one.load()
    seen = (await one.ask(f"{{ probe {{ reach(port: {port}) }} }}"))["probe"]["reach"]
    server.close()
    await server.wait_closed()
    assert seen == ["ConnectionRefusedError", f"nameserver {NAMESERVER}"]


async def test_the_api_refuses_a_function_the_host(module: Module, caller: Open) -> None:
    """Not only the client lacks `host`: a request by hand is refused as well."""
    folder = module("""
        @function
        def by_hand(self) -> str:
            import base64, urllib.request, urllib.error
            token = base64.b64encode((os.environ["DAGGER_SESSION_TOKEN"] + ":").encode()).decode()
            request = urllib.request.Request(
                "http://127.0.0.1:" + os.environ["DAGGER_SESSION_PORT"] + "/query",
                b'{"query": "{ host { directory(path: \\\\"/\\\\") { entries } } }"}',
                {"Authorization": "Basic " + token},
            )
            try:
                return urllib.request.urlopen(request).read().decode()
            except urllib.error.HTTPError as error:
                return error.read().decode()
        """)
    one = caller(folder)
    await one.load()
    answer = (await one.ask("{ probe { byHand } }"))["probe"]["byHand"]
    assert 'Cannot query field \\"host\\"' in answer


async def test_a_cancelled_call_leaves_no_process(module: Module, caller: Open) -> None:
    """The session's end ends the function and whatever it started, wherever that went."""
    folder = module("""
        @function
        async def sleep(self, mark: str) -> str:
            subprocess.Popen(["sleep", mark], start_new_session=True)
            print("asleep")
            await anyio.sleep(3600)
            return "never"
        """)
    mark = f"31{os.getpid()}"
    one = caller(folder)
    await one.load()
    query = asyncio.ensure_future(one.answer(f'{{ probe {{ sleep(mark: "{mark}") }} }}'))
    while "asleep" not in one.output():
        assert not query.done(), query.result()
        await asyncio.sleep(0.01)
    # A process has no words of its own yet in the moment after its exec began.
    while not _runs(mark):
        assert not query.done(), query.result()
        await asyncio.sleep(0.01)
    query.cancel()
    await asyncio.gather(query, return_exceptions=True)
    await one.session.close()
    for _ in range(500):
        if not _runs(mark):
            break
        await asyncio.sleep(0.01)
    assert not _runs(mark)


async def test_what_a_function_leaves_running_ends_with_it(module: Module, caller: Open) -> None:
    """A process in the background does not outlive the call."""
    folder = module("""
        @function
        def leak(self, mark: str) -> str:
            subprocess.Popen(["sleep", mark], start_new_session=True)
            return "left"
        """)
    mark = f"32{os.getpid()}"
    one = caller(folder)
    await one.load()
    assert await one.ask(f'{{ probe {{ leak(mark: "{mark}") }} }}') == {"probe": {"leak": "left"}}
    for _ in range(500):
        if not _runs(mark):
            break
        await asyncio.sleep(0.01)
    assert not _runs(mark)


async def test_spans_of_a_function_hold_what_runs_below_them(module: Module, caller: Open) -> None:
    """A function's own span is known before the requests that it makes."""
    folder = module("""
        @function
        async def staged(self) -> str:
            with trace.get_tracer("probe").start_as_current_span("lint backend"):
                return await dag.directory().with_new_file("a", "b").file("a").contents()
        """)
    one = caller(folder)
    await one.load()
    await one.ask("{ probe { staged } }")
    spans = {e["span"]: e for e in one.events if e["event"] == "start"}
    (stage,) = [e for e in spans.values() if e["name"] == "lint backend"]
    assert spans[stage["parent"]]["name"] == "Probe.staged: String!"
    inner = [e for e in spans.values() if e["name"].startswith("File.contents")]
    assert [e["parent"] for e in inner] == [stage["span"]]
    ends = [e for e in one.events if e["event"] == "end" and e["span"] == stage["span"]]
    assert len(ends) == 1


async def test_a_runner_that_dies_is_replaced(module: Module, caller: Open, engine: Any) -> None:
    """A call after the death of the runner starts another one."""
    one = caller(module(DICE))
    await one.load()
    await one.ask("{ probe { fresh } }")
    process = engine.warm_python._process
    process.kill()
    await process.wait()
    await asyncio.gather(*engine.warm_python._watchers)
    await one.ask("{ probe { fresh } }")


async def test_own_objects_keep_their_private_state(module: Module, caller: Open) -> None:
    """What one step sets, the next one sees; its id loads in another session."""
    folder = module("""
        note: str = "untold"
        shown: str = field(default="yes")

        @function
        def with_note(self, note: str) -> "Probe":
            self.note = note
            return self

        @function
        def tell(self) -> str:
            return self.note
        """)
    one = caller(folder)
    await one.load()
    data = await one.ask('{ probe { withNote(note: "new") { id tell shown } } }')
    assert data["probe"]["withNote"]["tell"] == "new"
    assert data["probe"]["withNote"]["shown"] == "yes"
    id_ = data["probe"]["withNote"]["id"]
    two = caller(folder)
    await two.load()
    loaded = await two.ask(f'{{ node(id: "{id_}") {{ ... on Probe {{ tell }} }} }}')
    assert loaded == {"node": {"tell": "new"}}


def _runs(mark: str) -> bool:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if words[:2] == [b"sleep", mark.encode()]:
                return True
    return False
