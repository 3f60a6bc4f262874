"""`pasa-tui serve`: the application in a browser."""

import shlex
import sys

import click

from pasa_tui.cli.context import Context
from pasa_tui.errors import ConfigError

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@click.command()
@click.option("--host", default="localhost", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(1, 65_535), default=8000, show_default=True)
@click.option("--public-url", help="The address that browsers reach it by, behind a proxy.")
@click.pass_obj
def command(context: Context, host: str, port: int, public_url: str | None) -> None:
    """Show the application in a browser. Whoever reaches the address can use it with your library and your keys."""
    try:
        from textual_serve.server import Server
    except ImportError:
        raise ConfigError(
            "Serving needs the package textual-serve.", 'Install it: pip install "pasa-tui[serve]"'
        ) from None
    context.settings  # noqa: B018  # a wrong setting is better said here than in a browser
    if host not in _LOOPBACK:
        click.echo(f"Everyone who reaches {host}:{port} can use this pasa-tui, its library and its keys.", err=True)
    server = Server(
        shlex.join([sys.executable, "-m", "pasa_tui"]), host=host, port=port, title="pasa-tui", public_url=public_url
    )
    server.serve()
