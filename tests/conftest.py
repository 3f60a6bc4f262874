import pytest


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test finds the keys of whoever runs it, in variables or in a keyring."""
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    sources = ("SERPER_API_KEY", "SEMANTIC_SCHOLAR_API_KEY", "S2_API_KEY", "OPENALEX_API_KEY")
    for name in (*sources, "OPENAI_API_KEY", "ZOTERO_API_KEY"):
        monkeypatch.delenv(name, raising=False)
