"""Words on the command line become one query, or an error that the real program would give."""

from __future__ import annotations

import re
from typing import Any

import pytest

from drydock.cli.arguments import ArgumentError
from drydock.cli.chain import CommandError, MissingArgumentError, walk
from drydock.cli.flags import HelpRequested
from drydock.cli.options import Options, ProgressError
from drydock.cli.typedefs import Types

ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


def _arg(name: str, kind: str, **more: Any) -> dict[str, Any]:
    type_ = {"kind": kind, "name": more.pop("type_name", "")}
    if element := more.pop("element", None):
        type_["element"] = element
    return {"name": name, "type": type_, "required": more.pop("required", False), **more}


DESCRIPTION = {
    "module": "kitchen",
    "main": "Kitchen",
    "entry": {
        "name": "kitchen",
        "args": [
            _arg("token", "OBJECT", type_name="Secret", required=True, description="\nA token\n"),
            _arg("level", "INTEGER", default=3),
            _arg("mood", "STRING", required=True, userDefault="glad"),
        ],
        "returns": {"kind": "OBJECT", "name": "Kitchen"},
    },
    "objects": {
        "Kitchen": {
            "description": "",
            "functions": [
                {
                    "name": "dish",
                    "description": "Returns a dish.\n\nAt length.",
                    "args": [
                        _arg("name", "STRING", required=True, description="\nWhich one\n"),
                        _arg("course", "ENUM", type_name="KitchenCourse", default="MAIN_DISH"),
                        _arg("tags", "LIST", element={"kind": "STRING"}),
                        _arg("hot", "BOOLEAN"),
                        _arg("baseUrl2", "STRING"),
                        _arg("share", "FLOAT"),
                        _arg("box", "OBJECT", type_name="Container"),
                        _arg("source", "OBJECT", type_name="Directory", ignore=[".git", "*.log"]),
                    ],
                    "returns": {"kind": "OBJECT", "name": "KitchenDish"},
                },
                {
                    "name": "hear",
                    "args": [
                        _arg("speaker", "INTERFACE", type_name="KitchenSpeaker", required=True)
                    ],
                    "returns": {"kind": "STRING"},
                },
                {
                    "name": "eat",
                    "args": [_arg("dish", "OBJECT", type_name="KitchenDish", required=True)],
                    "returns": {"kind": "STRING"},
                },
            ],
        },
        "KitchenDish": {
            "description": "",
            "functions": [{"name": "name", "args": [], "returns": {"kind": "STRING"}}],
        },
    },
    "enums": {"KitchenCourse": {"description": "", "members": ["STARTER", "MAIN_DISH"]}},
}


def _types() -> Types:
    return Types.read(
        DESCRIPTION, lambda name: {"objects": {name: {"description": "Text.", "functions": []}}}
    )


def _walk(*words: str) -> Any:
    options = Options.of("call", {})
    options.scan(list(words))
    options.forget()
    return walk(_types(), options, list(words))


def _ask(query: str) -> Any:
    """Answer a query for an id with what was asked for."""
    return {"id": re.sub(r"\W+", " ", query).strip()}


def test_a_chain_becomes_one_query() -> None:
    """Names go back to the API's spelling, values to literals."""
    chain = _walk("--token=env://T", "dish", "--name", 'a"b', "--course=starter", "--tags=x,y",
                  "--tags=z", "--hot", "--base-url2=u", "--share", "2", "name")  # fmt: skip
    assert chain.command == "dagger call dish name"
    assert chain.query(_ask, "") == (
        '{ kitchen(token: "address value env T secret id") { dish(name: "a\\"b", baseUrl2: "u", '
        'course: STARTER, hot: true, share: 2.0, tags: ["x", "y", "z"]) { name } } }'
    )


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        (".", r'path . exclude: [".git", "*.log"]'),
        (".?exclude=docs", r'path . exclude: ["docs"]'),
        (
            "a?include=x,y&gitignore",
            r'path a exclude: [".git", "*.log"], include: ["x", "y"], gitignore: true',
        ),
    ],
)
def test_what_an_argument_ignores_stays_on_the_machine(given: str, asked: str) -> None:
    """It is left out when the directory is read; the address may say otherwise."""
    queries: list[str] = []

    def ask(query: str) -> Any:
        queries.append(query)
        return {"id": "x"}

    _walk("dish", "--name=a", f"--source={given}", "name").query(ask, "")
    path, _, options = asked.removeprefix("path ").partition(" ")
    assert queries == [f'{{ address(value: "{path}") {{ directory({options}) {{ id }} }} }}']


def test_an_unknown_option_of_a_directory_is_named() -> None:
    """With the address, before anything is read."""
    with pytest.raises(ArgumentError, match=r'argument "source": unknown option "x=1" in ".*x=1"'):
        _walk("dish", "--name=a", "--source=.?x=1", "name").query(_ask, "")


@pytest.mark.parametrize(
    ("words", "said", "command"),
    [
        (["dish"], 'required flag(s) "name" not set', "dagger call dish"),
        (["dish", "--nope"], "unknown flag: --nope", "dagger call dish"),
        (["dish", "-z"], "unknown shorthand flag: 'z' in -z", "dagger call dish"),
        (["dish", "--name"], "flag needs an argument: --name", "dagger call dish"),
        (["dihs"], 'unknown command "dihs" for "dagger call"', "dagger call"),
        (["base_url"], 'unknown command "base_url" for "dagger call"', "dagger call"),
        (
            ["dish", "--name=a", "--", "--json"],
            'unknown command "--json" for "dagger call dish"',
            "dagger call dish",
        ),
        (
            ["dish", "--name=a", "--hot", "false"],
            'unknown command "false" for "dagger call dish"',
            "dagger call dish",
        ),
        (
            ["dish", "--name=a", "--share=x"],
            'invalid argument "x" for "--share" flag: strconv.ParseFloat: parsing "x": invalid syntax',
            "dagger call dish",
        ),
        (
            ["dish", "--course=main"],
            'invalid argument "main" for "--course" flag: value should be one of MAIN_DISH,STARTER',
            "dagger call dish",
        ),
        (
            ["--level=1.5"],
            'invalid argument "1.5" for "--level" flag: strconv.ParseInt: parsing "1.5": invalid syntax',
            "dagger call",
        ),
    ],
)
def test_mistakes_are_named_as_the_real_program_does(
    words: list[str], said: str, command: str
) -> None:
    """With the command whose help explains it."""
    with pytest.raises(CommandError) as caught:
        _walk(*words)
    assert str(caught.value) == said
    assert caught.value.command == command


def test_constructor_arguments_are_checked_when_the_chain_runs() -> None:
    """The first one that neither a flag nor `.env` gives is missing."""
    chain = _walk("dish", "--name=a")
    with pytest.raises(MissingArgumentError, match='missing required argument: "token"'):
        chain.check_constructor()
    assert [arg.name for arg in chain.steps[0].used_defaults()] == ["mood"]
    _walk("--token=T", "dish", "--name=a").check_constructor()


def test_functions_that_cannot_be_called_are_left_out() -> None:
    """An own object as argument is counted as skipped, an interface is not mentioned."""
    types = _types()
    assert [f.command for f in types.callable("Kitchen")] == ["dish"]
    assert types.skipped("Kitchen") == ["eat"]


def test_help_of_a_function_shows_arguments_and_what_follows() -> None:
    """Required ones first; blank columns as recorded."""
    with pytest.raises(HelpRequested) as caught:
        _walk("dish", "--help")
    page = ESCAPES.sub("", str(caught.value))
    assert page.startswith(
        "Returns a dish.\n\nAt length.\n\nUSAGE\n  dagger call dish [arguments] <function>\n"
    )
    assert (
        "      --name string                Which one\n                                    [required]\n"
        in page
    )
    assert "      --course MAIN_DISH,STARTER    (default MAIN_DISH)\n" in page
    assert "OPTIONS" not in page


def test_help_beside_a_mistake_prints_the_page_too() -> None:
    """Only before the first function."""
    with pytest.raises(CommandError) as caught:
        _walk("nope", "--help")
    assert "FUNCTIONS" in caught.value.page


def test_program_flags_may_stand_anywhere() -> None:
    """Counters are not counted twice, though the line is read twice."""
    options = Options.of("call", {})
    words = ["-v", "--token=T", "dish", "-j", "--name=a", "-v", "-o", "out"]
    options.scan(words)
    options.forget()
    walk(_types(), options, words)
    assert options.on("json")
    assert options.count("verbose") == 2
    assert options.value("output") == "out"


def test_the_environment_sets_what_flags_do_not() -> None:
    """A flag wins; an unknown progress format is refused before anything starts."""
    options = Options.of(
        "call", {"DAGGER_PROGRESS": "dots", "DAGGER_MODULE": "/m", "DAGGER_SILENT": "1"}
    )
    options.scan(["--progress=plain"])
    assert (options.progress, options.module, options.silent) == ("plain", "/m", True)
    with pytest.raises(ProgressError, match='unknown progress type "nope"'):
        Options.of("call", {}).scan(["--progress", "nope"])
