"""Secrets are known by name or provider; their values stay in the store."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from drydock.engine.errors import EngineError
from drydock.engine.process.secret_store import MAX_SECRET_BYTES, SecretStore

SALT = b"0123456789abcdef"


@pytest.fixture
def store(tmp_path: Path) -> SecretStore:
    return SecretStore({"TOKEN": "of-env", "HOME": str(tmp_path), "PATH": "/bin"}, tmp_path, SALT)


async def test_setting_a_name_again_changes_what_holders_get(store: SecretStore) -> None:
    secret = store.set("n", "one")
    again = store.set("n", "two")
    assert await store.plaintext(secret) == b"two"
    assert await store.cache_identity(secret) == await store.cache_identity(again)


async def test_modules_have_names_of_their_own(store: SecretStore) -> None:
    ours = store.set("n", "ours", scope="a")
    theirs = store.set("n", "theirs", scope="b")
    assert await store.plaintext(ours) == b"ours"
    assert await store.cache_identity(ours) != await store.cache_identity(theirs)


async def test_neither_object_nor_id_holds_the_value(store: SecretStore) -> None:
    secret = store.set("n", "plain-value")
    assert "plain-value" not in repr(secret)
    assert "plain-value" not in repr(secret.identity)


async def test_providers_give_their_values_untrimmed(store: SecretStore, tmp_path: Path) -> None:
    (tmp_path / "s").write_text("of-file\n")
    assert await store.plaintext(store.add("env://TOKEN")) == b"of-env"
    assert await store.plaintext(store.add("file://s")) == b"of-file\n"
    assert await store.plaintext(store.add("file://~/s")) == b"of-file\n"
    assert await store.plaintext(store.add("cmd://echo of-$TOKEN")) == b"of-of-env\n"


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("env://UNSET_VARIABLE", 'secret env var not found: "UNS..."'),
        ("file:///none/x", 'failed to read secret file "/none/x": open /none/x: no such file'),
        ("cmd://exit 3", 'failed to run secret command "exit 3": exit status 3'),
    ],
)
async def test_a_provider_is_asked_at_use_and_says_what_is_wrong(
    store: SecretStore, uri: str, message: str
) -> None:
    secret = store.add(uri)
    with pytest.raises(EngineError, match=re.escape(message)):
        await store.plaintext(secret)


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("gopher://x", 'unsupported secret provider: "gopher"'),
        ("plain", 'parse "plain": malformed id'),
    ],
)
async def test_an_address_without_a_known_provider_is_refused_at_once(
    store: SecretStore, uri: str, message: str
) -> None:
    with pytest.raises(EngineError, match=f"^{message}$"):
        store.add(uri)


async def test_a_function_reaches_its_own_variables_only(store: SecretStore) -> None:
    own = store.of_function("env://TOKEN", {"TOKEN": "of-function"})
    assert await store.plaintext(own) == b"of-function"
    with pytest.raises(EngineError, match=r'secret env var not found: "TOK\.\.\."'):
        await store.plaintext(store.of_function("env://TOKEN", {}))
    with pytest.raises(EngineError, match="take the secret as an argument"):
        store.of_function("file:///etc/passwd", {})


async def test_a_provider_s_secret_is_cached_by_value(store: SecretStore, tmp_path: Path) -> None:
    (tmp_path / "s").write_text("of-env")
    by_env = await store.cache_identity(store.add("env://TOKEN"))
    assert by_env == await store.cache_identity(store.add("file://s"))
    other = SecretStore({"TOKEN": "of-env"}, tmp_path, b"another salt")
    assert by_env != await other.cache_identity(other.add("env://TOKEN"))


async def test_the_latest_provider_of_a_cache_key_stands_for_all(store: SecretStore) -> None:
    first = store.add("cmd://echo a", "k")
    second = store.add("cmd://echo b", "k")
    assert await store.plaintext(first) == b"b\n"
    assert await store.cache_identity(first) == await store.cache_identity(second)


async def test_a_huge_value_is_refused_without_showing_it(store: SecretStore) -> None:
    with pytest.raises(EngineError) as caught:
        store.set("n", "x" * (MAX_SECRET_BYTES + 1))
    assert "xxx" not in str(caught.value)


async def test_an_id_of_another_session_s_secret_is_told(store: SecretStore) -> None:
    with pytest.raises(EngineError, match="not known in this session"):
        store.find("0" * 64)
