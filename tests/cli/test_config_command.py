import json
import tomllib
from collections.abc import Callable

from click.testing import Result

from pasa_tui.config import Paths
from pasa_tui.config.settings import SearchSettings, Settings, load_settings

Invoke = Callable[..., Result]


def test_what_show_prints_is_a_settings_file(invoke: Invoke, paths: Paths) -> None:
    shown = invoke("config", "show").stdout
    assert tomllib.loads(shown)["agent"]["search_queries"] == 5
    paths.config_dir.mkdir(parents=True)
    paths.config_file.write_text(shown, encoding="utf-8")
    assert load_settings(paths.config_file, {}) == Settings(search=SearchSettings(sources="corpus"))


def test_show_says_where_a_value_is_from(invoke: Invoke, paths: Paths) -> None:
    paths.config_dir.mkdir(parents=True)
    paths.config_file.write_text("[agent]\nsearch_papers = 30\n", encoding="utf-8")
    rows = {row["name"]: row for row in json.loads(invoke("config", "show", "--format", "json").stdout)}
    assert rows["agent.search_papers"]["value"] == 30
    assert rows["agent.search_papers"]["source"] == str(paths.config_file)


def test_path_names_every_place(invoke: Invoke, paths: Paths) -> None:
    shown = dict(line.split(maxsplit=1) for line in invoke("config", "path").stdout.splitlines())
    assert shown["settings"] == str(paths.config_file) and shown["library"] == str(paths.library_file)
    assert set(shown) == {"settings", "themes", "library", "corpora", "weights", "cache"}
