"""The small rules of a module's definitions: names, defaults, configuration, requirements."""

from __future__ import annotations

from pathlib import Path

import pytest

from drydock.engine.errors import EngineError
from drydock.engine.module.config import ModuleConfig, check_engine_version
from drydock.engine.module.environment import Project, environment, missing, own_packages
from drydock.engine.module.naming import camel, kebab, pascal, scoped, screaming
from drydock.engine.module.registration import seconds
from drydock.engine.module.source import ModuleSource, resolve
from drydock.engine.module.typedefs import (
    Function,
    FunctionArg,
    ModuleTypes,
    ObjectTypeDef,
    TypeDef,
    from_json,
    to_json,
)
from drydock.engine.module.user_defaults import EnvFile, UserDefaults, read_env


@pytest.mark.parametrize(
    ("python", "api", "command"),
    [
        ("s3_upload", "s3Upload", "s-3-upload"),
        ("build_2x", "build2X", "build-2-x"),
        ("ABTest", "abtest", "abtest"),
        ("http_get", "httpGet", "http-get"),
        ("base_url2", "baseUrl2", "base-url-2"),
        ("import", "import", "import"),
    ],
)
def test_names_as_a_real_engine_spells_them(python: str, api: str, command: str) -> None:
    """Recorded spellings."""
    assert camel(python) == api
    assert kebab(api) == command


def test_types_carry_the_modules_name() -> None:
    """The main object keeps its own; a name that has the prefix is not prefixed twice."""
    assert pascal("bad-import") == "BadImport"
    assert scoped("Dish", "kitchen") == "KitchenDish"
    assert scoped("Kitchen", "kitchen") == "Kitchen"
    assert scoped("KitchenDish", "kitchen") == "KitchenDish"
    assert scoped("Kitchenette", "kitchen") == "KitchenKitchenette"
    assert screaming("sweet") == "SWEET"
    assert screaming("mainDish") == "MAIN_DISH"
    assert screaming("MAIN_DISH") == "MAIN_DISH"


def test_definitions_survive_the_index() -> None:
    """What is kept per digest is what was registered."""
    text = TypeDef("STRING_KIND")
    arg = FunctionArg("a", text, default_value='"x"', ignore=("*", "!src"), original="a_")
    main = ObjectTypeDef("Main", functions=(Function("f", text, args=(arg,), ttl=5.0),))
    types = ModuleTypes("about", (TypeDef("OBJECT_KIND", as_object=main),))
    assert from_json(to_json(types)) == types


@pytest.mark.parametrize(("text", "value"), [("10s", 10), ("1h30m", 5400), ("9999h", 604800)])
def test_times_to_live_end_at_seven_days(text: str, value: float) -> None:
    """Go's spelling of durations."""
    assert seconds(text) == value


def test_a_wrong_time_to_live_is_refused() -> None:
    """A number without a unit is no duration."""
    with pytest.raises(EngineError, match='invalid duration "10"'):
        seconds("10")


def test_env_files_are_read_with_quotes_and_comments(tmp_path: Path) -> None:
    """Names match whatever their case and separators, with or without the module."""
    path = tmp_path / ".env"
    path.write_text('A=1 # one\nexport quiet_WORD="a \\"b\\" # c"\nX=\'$Y\'\n\n# nothing\n')
    values = read_env(path)
    assert values == {"A": "1", "quiet_WORD": 'a "b" # c', "X": "$Y"}
    defaults = UserDefaults("quiet", EnvFile(tmp_path, values))
    assert defaults.find("", "word") == 'a "b" # c'
    assert defaults.find("", "a") == "1"
    assert defaults.find("whisper", "word") is None


def test_a_wrong_env_line_is_named(tmp_path: Path) -> None:
    """The message holds file and line."""
    (tmp_path / ".env").write_text("A=1\nnonsense\n")
    with pytest.raises(EngineError, match=r"\.env:2: want NAME=value"):
        read_env(tmp_path / ".env")


def test_a_newer_module_is_refused() -> None:
    """Older and equal versions are fine."""
    check_engine_version("v0.21.11", "v0.21.11")
    check_engine_version("v0.9.0", "v0.21.11")
    with pytest.raises(EngineError, match=r"module requires dagger v0\.22\.0"):
        check_engine_version("v0.22.0", "v0.21.11")


def test_includes_become_exclusions(tmp_path: Path) -> None:
    """Later patterns win; a source folder leaves out its neighbours; products never come along."""
    config = ModuleConfig(name="m", include=("!docs", "docs/kept"), source="ci")
    source = ModuleSource(".", tmp_path, tmp_path, config)
    assert source.exclusions()[:5] == ["*", "!dagger.json", "!ci", "docs", "!docs/kept"]
    assert {".venv", "sdk"} <= set(source.exclusions())


def test_the_module_is_found_upwards_and_its_context_is_the_repository(tmp_path: Path) -> None:
    """From any folder below; without a repository the module's folder is the context."""
    folder = tmp_path / "repo" / "module" / "deep"
    folder.mkdir(parents=True)
    (folder.parent / "dagger.json").write_text('{"name": "m"}')
    assert resolve(".", folder).context == folder.parent
    (tmp_path / "repo" / ".git").mkdir()
    found = resolve(".", folder)
    assert (found.root, found.context) == (folder.parent, tmp_path / "repo")
    assert found.subpath == "module"
    assert not resolve(".", folder, find_up=False).exists


def test_only_what_the_interpreter_lacks_is_missing() -> None:
    """Markers are honoured and the SDK is never asked for."""
    wanted = (
        "dagger-io==0.0.0",
        "anyio>=4",
        "anyio>=9999",
        "absent-thing",
        'old; python_version < "3"',
    )
    assert missing(wanted) == ["anyio>=9999", "absent-thing"]


def test_the_project_names_its_packages(tmp_path: Path) -> None:
    """Packages and modules, also below src."""
    (tmp_path / "src" / "inner").mkdir(parents=True)
    (tmp_path / "src" / "inner" / "__init__.py").touch()
    (tmp_path / "single.py").touch()
    (tmp_path / "data").mkdir()
    assert own_packages(tmp_path) == ("inner", "single")
    assert Project.read(tmp_path) == Project()


def test_a_function_gets_a_clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the engine's own variables."""
    monkeypatch.setenv("HIDDEN_TOKEN", "x")
    variables = environment("bad-import", Project("bad-import"), 1234, "t", "00-a-b-01")
    assert "HIDDEN_TOKEN" not in variables
    assert variables["DAGGER_MAIN_OBJECT"] == "BadImport"
    assert variables["DAGGER_DEFAULT_PYTHON_PACKAGE"] == "bad_import"
