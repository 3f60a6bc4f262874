"""Keys: from the environment, else from the system's keyring; never from a file of ours."""

import os
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from pasa_tui.errors import SecretError

_SERVICE = "pasa-tui"
_SOURCES_CHECK, _MODELS_CHECK = "doctor", "models check PROFILE"
_PATIENCE = 5.0
"""Seconds that a keyring may take to answer a search: a locked one may ask its user in a window nobody sees."""

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """A key that can be had: the variables it may stand in, its use, where it is to be had, and what tries it.

    `check` is the command that tries it: that of sources, of models, or of Zotero.
    """

    name: str
    variables: tuple[str, ...]
    use: str
    where: str
    check: str = _SOURCES_CHECK


KEYS = {
    info.name: info
    for info in (
        KeyInfo("serper", ("SERPER_API_KEY",), "Google and Google Scholar", "https://serper.dev"),
        KeyInfo(
            "semantic-scholar",
            ("SEMANTIC_SCHOLAR_API_KEY", "S2_API_KEY"),
            "a request a second of one's own instead of a share of everybody's",
            "https://www.semanticscholar.org/product/api",
        ),
        KeyInfo(
            "openalex",
            ("OPENALEX_API_KEY",),
            "ten times the daily budget, for nothing",
            "https://openalex.org/settings/api",
        ),
        KeyInfo(
            "openai", ("OPENAI_API_KEY",), "OpenAI's models", "https://platform.openai.com/api-keys", _MODELS_CHECK
        ),
        KeyInfo(
            "openrouter", ("OPENROUTER_API_KEY",), "many models", "https://openrouter.ai/settings/keys", _MODELS_CHECK
        ),
        KeyInfo(
            "zotero",
            ("ZOTERO_API_KEY",),
            "Zotero's web API",
            "https://www.zotero.org/settings/keys/new",
            "zotero check",
        ),
    )
}
SOURCE_KEYS = tuple(name for name, info in KEYS.items() if info.check == _SOURCES_CHECK)


@dataclass(frozen=True, slots=True)
class Key:
    """A key and where it was found; it is left out of `repr`."""

    value: str
    source: str

    def __repr__(self) -> str:
        return f"Key(…, {self.source!r})"


def find_keys(names: Iterable[str] = SOURCE_KEYS, environ: Mapping[str, str] = os.environ) -> dict[str, Key]:
    """Those of the named keys (out of `KEYS`) that there are; a keyring that is absent or does not answer holds none.

    Raises SecretError for a name that has no key, and for a key that holds what no key does.
    """
    found: dict[str, Key] = {}
    missing = []
    for info in map(_info, names):
        variable = next((variable for variable in info.variables if environ.get(variable, "").strip()), None)
        if variable is None:
            missing.append(info.name)
        else:
            found[info.name] = Key(_checked(environ[variable].strip(), f"in the variable {variable}"), variable)
    # Asked once for all: a keyring that does not answer is waited for once.
    stored = _in_time(lambda: {name: _keyring_get(name) for name in missing}) if missing else None
    for name, value in (stored or {}).items():
        if value:
            found[name] = Key(_checked(value, "in the keyring"), "keyring")
    return found


def find_model_key(name: str, environ: Mapping[str, str] = os.environ) -> str | None:
    """The key that a profile names: one of `KEYS`, or a variable; None where there is none.

    Raises SecretError for a key that holds what no key does.
    """
    if name in KEYS:
        key = find_keys([name], environ).get(name)
        return key.value if key else None
    value = environ.get(name, "").strip()
    return _checked(value, f"in the variable {name}") if value else None


def store_key(name: str, value: str) -> None:
    """Put a key into the system's keyring. Raises SecretError where there is none, or the key can't be one."""
    info = _info(name)
    value = _checked(value.strip(), "you gave")
    import keyring
    import keyring.errors

    try:
        keyring.set_password(_SERVICE, name, value)
    except (keyring.errors.KeyringError, OSError, RuntimeError) as error:
        raise SecretError(
            f"The system's keyring can't keep the key ({type(error).__name__}).",
            f"Set the variable {info.variables[0]} instead.",
        ) from None


def check_keyring(name: str) -> None:
    """Raise SecretError where the system has no keyring that could keep the key `name`, before anyone types it."""
    info = _info(name)
    import keyring
    from keyring.backends import fail

    if isinstance(keyring.get_keyring(), fail.Keyring):
        raise SecretError(
            "This system has no keyring to keep a key in.", f"Set the variable {info.variables[0]} instead."
        )


def remove_key(name: str) -> bool:
    """Take a key out of the system's keyring; whether there was one. Raises SecretError where there is no keyring."""
    _info(name)
    import keyring
    import keyring.errors

    try:
        keyring.delete_password(_SERVICE, name)
    except keyring.errors.PasswordDeleteError:
        return False
    except (keyring.errors.KeyringError, OSError, RuntimeError) as error:
        raise SecretError(f"The system's keyring can't be reached ({type(error).__name__}).") from None
    return True


def _info(name: str) -> KeyInfo:
    if name not in KEYS:
        raise SecretError(f"There is no key {name!r}.", f"Known: {', '.join(KEYS)}.")
    return KEYS[name]


def _checked(value: str, where: str) -> str:
    # Said without the value: a key with a stray line break is still somebody's key.
    if not value or not all("!" <= char <= "~" for char in value):
        raise SecretError(
            f"The key {where} is empty or holds blanks or characters that no key has.", "Copy it once more."
        )
    return value


def _keyring_get(name: str) -> str | None:
    import keyring
    import keyring.errors

    try:
        return keyring.get_password(_SERVICE, name)
    except (keyring.errors.KeyringError, OSError, RuntimeError):
        return None


def _in_time(ask: Callable[[], Value]) -> Value | None:
    answers: list[Value] = []
    thread = threading.Thread(target=lambda: answers.append(ask()), daemon=True)
    thread.start()
    thread.join(_PATIENCE)
    return answers[0] if answers else None
