"""Loading a module: what belongs to it, what its arguments default to, and what is wrong with it."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.root
Module = Callable[..., Path]
Open = Callable[..., Any]

CONTEXT = """
    source: Annotated[dagger.Directory, DefaultPath("/"), Ignore(["*.log"])]
    near: Annotated[dagger.Directory, DefaultPath("probe")]

    @function
    async def paths(self) -> list[str]:
        return await self.source.glob("**")

    @function
    async def near_paths(self) -> list[str]:
        return await self.near.entries()

    @function
    async def own(self) -> list[str]:
        return await dag.current_module().source().glob("**")

    @function
    def name(self) -> str:
        return os.environ["DAGGER_MODULE"]
"""


async def test_include_and_gitignore_narrow_the_module_only(module: Module, caller: Open) -> None:
    """The context of `DefaultPath` is read as it is, minus the argument's own `Ignore`."""
    folder = module(CONTEXT, config=', "include": ["!docs", "docs/kept.md", "!.git"]')
    await asyncio.to_thread(subprocess.run, ["git", "init", "-q"], cwd=folder, check=True)
    (folder / "docs").mkdir()
    for name in ("docs/kept.md", "docs/left.md", "noise.log", "built.tmp"):
        (folder / name).write_text(name)
    (folder / ".gitignore").write_text("*.tmp\n")
    one = caller(folder)
    await one.load()
    seen = (await one.ask("{ probe { paths nearPaths own } }"))["probe"]
    context = {path for path in seen["paths"] if not path.startswith(".git/")}
    assert {"docs/left.md", "docs/kept.md", "built.tmp", "dagger.json"} <= context
    assert "noise.log" not in context
    assert seen["nearPaths"] == ["__init__.py"]
    assert {"docs/kept.md", "noise.log", ".gitattributes"} <= set(seen["own"])
    assert not {"docs/left.md", "built.tmp", ".git/HEAD"} & set(seen["own"])


async def test_a_context_path_may_not_leave_the_repository(module: Module, caller: Open) -> None:
    """`..` beyond the context directory is refused."""
    folder = module("""
        @function
        def out(self, source: Annotated[dagger.Directory, DefaultPath("../..")]) -> str:
            return "out"
        """)
    one = caller(folder)
    await one.load()
    error = await one.fail("{ probe { out } }")
    assert "is outside of context directory" in error["message"]


async def test_user_defaults_fill_what_the_caller_left_out(module: Module, caller: Open) -> None:
    """`.env` wins over the function's default and loses to an argument; objects are addresses."""
    folder = module("""
        level: int = 3
        token: dagger.Secret | None = None
        where: dagger.Directory | None = None

        @function
        async def tell(self, word: str) -> str:
            token = await self.token.plaintext() if self.token else "none"
            paths = await self.where.entries() if self.where else []
            return f"{word} {self.level} {token} {'pyproject.toml' in paths}"
        """)
    (folder / ".env").write_text(
        "# this machine\nPROBE_LEVEL=8\ntoken='env://TOK'\nexport where=.\ntell_word=\"boo\"\n"
    )
    one = caller(folder, TOK="abc")
    described = await one.load()
    arguments = {arg["name"]: arg["userDefault"] for arg in described["entry"]["args"]}
    assert arguments == {"level": "8", "token": "env://TOK", "where": "."}
    assert await one.ask("{ probe { tell } }") == {"probe": {"tell": "boo 8 abc True"}}
    given = await one.ask('{ probe(level: 2) { tell(word: "hi") } }')
    assert given == {"probe": {"tell": "hi 2 abc True"}}


async def test_a_callers_env_counts_by_the_modules_name(
    module: Module, caller: Open, tmp_path: Path
) -> None:
    """Of a `.env` where the caller is, only what names the module; its paths begin there."""
    folder = module("""
        where: dagger.Directory | None = None

        @function
        async def tell(self, word: str = "own") -> str:
            return f"{word} {await self.where.entries() if self.where else []}"
        """)
    (folder / ".env").write_text("tell_word=module\nwhere=.\n")
    repository = tmp_path / "elsewhere"
    (repository / "deep").mkdir(parents=True)
    (repository / ".env").write_text("PROBE_WHERE=deep\nPROBE_TELL_WORD=caller\nWORD=no\n")
    (repository / "deep/here.txt").touch()
    one = caller(repository / "deep")
    await one.load(str(folder))
    assert await one.ask("{ probe { tell } }") == {"probe": {"tell": "caller ['here.txt']"}}
    (repository / ".env").write_text("tell_word=no\n")
    two = caller(repository / "deep")
    await two.load(str(folder))
    assert (await two.ask("{ probe { tell } }"))["probe"]["tell"].startswith("module ['.env'")


async def test_what_an_argument_ignores_is_left_out_of_what_is_given(
    module: Module, caller: Open
) -> None:
    """Whoever gives the directory; an argument with a place in the context is given as it is."""
    folder = module("""
        @function
        async def plain(self, source: Annotated[dagger.Directory, Ignore(["*", "!*.md"])]) -> list[str]:
            return await source.entries()

        @function
        async def placed(
            self, source: Annotated[dagger.Directory, DefaultPath("/"), Ignore(["*"])]
        ) -> list[str]:
            return await source.entries()
        """)
    one = caller(folder)
    described = await one.load()
    functions = {item["name"]: item for item in described["objects"]["Probe"]["functions"]}
    assert functions["plain"]["args"][0]["ignore"] == ["*", "!*.md"]
    made = 'directory { withNewFile(path: "a.md", contents: "") { withNewFile(path: "b.py", contents: "") { id } } }'
    data = await one.ask(f"{{ {made} }}")
    given = json.dumps(data["directory"]["withNewFile"]["withNewFile"]["id"])
    query = f"{{ probe {{ plain(source: {given}) placed(source: {given}) }} }}"
    assert await one.ask(query) == {"probe": {"plain": ["a.md"], "placed": ["a.md", "b.py"]}}


async def test_types_are_asked_from_python_once(module: Module, caller: Open, engine: Any) -> None:
    """A module that did not change is loaded again without Python."""
    folder = module(CONTEXT)
    assert (await caller(folder).load())["main"] == "Probe"
    await engine.warm_python.close()
    engine.warm_python.start = None  # starting Python again would fail
    assert (await caller(folder).load())["main"] == "Probe"


async def test_names_are_those_of_the_api(module: Module, caller: Open) -> None:
    """Functions in camel case, types with the module's name, enum members in capitals."""
    folder = module("""
        @function
        def s3_upload(self, base_url2: str = "u") -> str:
            return base_url2
        """)
    found = await caller(folder).load()
    (function,) = found["objects"]["Probe"]["functions"]
    assert function["name"] == "s3Upload"
    assert function["args"][0]["name"] == "baseUrl2"


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"engineVersion": "v0.99.0"}, "module requires dagger v0.99.0, but you have v0.21.11"),
        ({"sdk": {"source": "go"}}, "Drydock runs modules in Python only"),
        ({"include": "docs"}, "include must be a list of texts"),
    ],
)
async def test_a_module_that_cannot_run_says_why(
    module: Module, caller: Open, config: dict[str, Any], said: str
) -> None:
    """The reason names the module's folder."""
    folder = module("x: int = 1\n")
    data = json.loads((folder / "dagger.json").read_text())
    (folder / "dagger.json").write_text(json.dumps(data | config))
    message = (await caller(folder).load())["error"]["message"]
    assert said in message
    assert str(folder) in message


async def test_a_dependency_nobody_has_is_explained(
    module: Module, caller: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What pip says is passed on, with the way out."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    folder = module("x: int = 1\n", dependencies='"dagger-io", "no-such-package-of-ours"')
    message = (await caller(folder).load())["error"]["message"]
    assert "cannot install the module's dependencies no-such-package-of-ours" in message
    assert "PIP_INDEX_URL" in message


async def test_no_module_is_no_error_unless_one_was_named(caller: Open, tmp_path: Path) -> None:
    """An empty folder has no functions; a named folder has to hold a module."""
    one = caller(tmp_path)
    assert (await one.load())["module"] is None
    error = (await one.load("./nowhere"))["error"]["message"]
    assert 'loading extra module "./nowhere"' in error
    assert 'local path "./nowhere" does not exist' in error
