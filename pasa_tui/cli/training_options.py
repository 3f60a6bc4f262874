"""Options made of the fields of a settings dataclass, each of which says what it is."""

from collections.abc import Callable
from dataclasses import MISSING, Field, fields
from typing import Any, Literal, get_args, get_origin, get_type_hints

import click

Decorated = Callable[..., Any]


def all_settings(kind: type[Any]) -> Callable[[Decorated], Decorated]:
    """An option for each field of the dataclass `kind`, whose annotations are `Annotated[type, "what it is"]`."""
    hints = get_type_hints(kind, include_extras=True)

    def decorate(function: Decorated) -> Decorated:
        for field in reversed(fields(kind)):
            function = _setting(field, hints[field.name])(function)
        return function

    return decorate


def _setting(field: "Field[Any]", hint: Any) -> Callable[[Decorated], Decorated]:
    kind, text = get_args(hint)[:2]
    name = field.name.replace("_", "-")
    assert field.default is not MISSING
    shown: dict[str, Any] = {"default": field.default, "show_default": True, "help": text}
    if kind is bool:
        return click.option(f"--{name}/--no-{name}", field.name, **shown)
    kind = click.Choice(get_args(kind)) if get_origin(kind) is Literal else kind
    return click.option(f"--{name}", field.name, type=kind, **shown)
