from collections.abc import Iterator

import keyring
import keyring.errors
import pytest
from keyring.backend import KeyringBackend

from pasa_tui.config import secrets
from pasa_tui.config.secrets import KEYS, Key, find_keys, remove_key, store_key
from pasa_tui.errors import SecretError


class InMemory(KeyringBackend):
    """A keyring of a test; `broken` makes it fail as one without a desktop does."""

    priority = 1.0  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}
        self.broken = False

    def _check(self) -> None:
        if self.broken:
            raise keyring.errors.NoKeyringError("none")

    def get_password(self, service: str, username: str) -> str | None:
        self._check()
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._check()
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._check()
        if (service, username) not in self.kept:
            raise keyring.errors.PasswordDeleteError("none")
        del self.kept[service, username]


@pytest.fixture
def ring() -> Iterator[InMemory]:
    before, ring = keyring.get_keyring(), InMemory()
    keyring.set_keyring(ring)
    yield ring
    keyring.set_keyring(before)


def test_a_variable_goes_over_the_keyring(ring: InMemory) -> None:
    assert find_keys(environ={}) == {}
    store_key("serper", " from-the-ring \n")
    assert find_keys(environ={}) == {"serper": Key("from-the-ring", "keyring")}
    environ = {"SERPER_API_KEY": "from-the-variable", "S2_API_KEY": "x", "OPENALEX_API_KEY": " "}
    assert find_keys(environ=environ) == {
        "serper": Key("from-the-variable", "SERPER_API_KEY"),
        "semantic-scholar": Key("x", "S2_API_KEY"),
    }
    assert remove_key("serper") and not remove_key("serper")
    assert find_keys(["serper"], {}) == {}


def test_a_key_is_not_shown_by_accident() -> None:
    assert "hidden" not in repr(Key("hidden", "keyring"))


@pytest.mark.parametrize("value", ["", "two words", "line\nbreak", "schlüssel", "\x1b[31mred"])
def test_what_can_be_no_key_is_refused_unsaid(ring: InMemory, value: str) -> None:
    with pytest.raises(SecretError) as refused:
        store_key("serper", value)
    assert not value or value not in str(refused.value)
    assert ring.kept == {}


def test_a_key_with_a_blank_in_a_variable_is_an_error_unsaid(ring: InMemory) -> None:
    with pytest.raises(SecretError, match="SERPER_API_KEY") as refused:
        find_keys(["serper"], {"SERPER_API_KEY": "abc def"})
    assert "abc" not in str(refused.value)


def test_without_a_keyring_there_is_no_key_and_a_way_out(ring: InMemory) -> None:
    ring.broken = True
    assert find_keys(["openalex"], {}) == {}
    with pytest.raises(SecretError, match="keyring") as refused:
        store_key("openalex", "k")
    assert "OPENALEX_API_KEY" in refused.value.hint
    with pytest.raises(SecretError):
        remove_key("openalex")


def test_a_keyring_that_hangs_holds_no_key(ring: InMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    release = threading.Event()
    monkeypatch.setattr(secrets, "_PATIENCE", 0.05)
    monkeypatch.setattr(InMemory, "get_password", lambda *_: release.wait(30) and None)
    assert find_keys(environ={}) == {}
    release.set()


def test_unknown_names_are_refused() -> None:
    with pytest.raises(SecretError, match="no key 'scopus'"):
        find_keys(["scopus"], {})
    with pytest.raises(SecretError, match="no key 'scopus'"):
        remove_key("scopus")
    assert set(KEYS) == {"serper", "semantic-scholar", "openalex", "openai", "openrouter", "zotero"}
