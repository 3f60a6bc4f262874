"""Which models an Ollama on this machine has: its API lists them (GET /api/tags)."""

import msgspec

ADDRESS = "http://127.0.0.1:11434"
"""Where Ollama listens unless told otherwise."""

_PATIENCE = 1.0


class _Model(msgspec.Struct):
    name: str


class _Tags(msgspec.Struct):
    models: list[_Model] = []


def installed_models(address: str = ADDRESS) -> tuple[str, ...] | None:
    """The names of its models, the latest first; None where no Ollama answers within a second."""
    import httpx

    try:
        answer = httpx.get(f"{address}/api/tags", timeout=_PATIENCE, trust_env=False)
        answer.raise_for_status()
        tags = msgspec.json.decode(answer.content, type=_Tags)
    except (httpx.HTTPError, httpx.InvalidURL, msgspec.MsgspecError):
        return None
    return tuple(model.name for model in tags.models)
