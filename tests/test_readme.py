import re
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from pasa_tui.cli.main import COMMANDS, cli
from pasa_tui.config.settings import Settings, explain

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def all_commands() -> list[list[str]]:
    """Every command and subcommand, as the words after `pasa-tui`."""
    found: list[list[str]] = []
    context = click.Context(cli)
    for name in COMMANDS:
        command = cli.get_command(context, name)
        found.append([name])
        if isinstance(command, click.Group):
            found += [[name, sub] for sub in command.list_commands(click.Context(command))]
    return found


@pytest.mark.parametrize("words", all_commands(), ids=" ".join)
def test_every_command_has_help_and_stands_in_the_readme(words: list[str]) -> None:
    done = CliRunner().invoke(cli, [*words, "--help"])
    assert done.exit_code == 0
    assert len(done.output.splitlines()) > 4 and "Usage: " in done.output
    assert f"pasa-tui {' '.join(words)}" in README


def test_the_lines_of_help_agree_with_the_commands() -> None:
    context = click.Context(cli)
    for name, (_, line) in COMMANDS.items():
        command = cli.get_command(context, name)
        assert command is not None and command.help and line


def test_every_option_that_the_readme_names_exists() -> None:
    for line in re.findall(r"^(?:\$ )?(?:\.venv/bin/)?pasa-tui (.+)$", README, re.MULTILINE):
        words = line.split("#")[0].split(" > ")[0].split("&&")[0].split()
        command: click.Command = cli
        while isinstance(command, click.Group) and words and words[0] in command.list_commands(click.Context(command)):
            found = command.get_command(click.Context(command), words.pop(0))
            assert found is not None
            command = found
        known = {option for parameter in command.params for option in parameter.opts + parameter.secondary_opts}
        used = {word.split("=")[0] for word in words if word.startswith("-") and len(word) > 1}
        assert used <= known | {"--help", "-h"}, line


def test_every_setting_stands_in_the_readme() -> None:
    for info in explain(Settings(), ROOT / "absent.toml", {}):
        assert f"`{info.name}`" in README


def test_pictures_of_the_readme_exist() -> None:
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", README)
    assert pictures and all((ROOT / picture).is_file() for picture in pictures)
