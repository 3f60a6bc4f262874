import os
import stat
from pathlib import Path

import pytest

from pasa_tui.config import Paths, private_dir, private_file, shipped_dir
from pasa_tui.config.profiles import Profile, find_profile
from pasa_tui.config.settings import Settings, explain, load_settings
from pasa_tui.errors import ConfigError


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    assert load_settings(tmp_path / "none.toml", {}) == Settings()


def test_the_environment_goes_over_the_file(tmp_path: Path) -> None:
    path = write(tmp_path / "c.toml", '[agent]\nsearch_queries = 3\nsearch_papers = 20\n[search]\ncorpus = "mine"\n')
    settings = load_settings(path, {"PASA_TUI_AGENT__SEARCH_QUERIES": "7", "PASA_TUI_HOME": "/x", "OTHER": "1"})
    assert (settings.agent.search_queries, settings.agent.search_papers, settings.search.corpus) == (7, 20, "mine")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[agent\n", "is not TOML"),
        ("[agent]\nsearch_queries = 0\n", "agent.search_queries"),
        ('[agent]\nsearch_queries = "3"\n', "agent.search_queries"),
        ("[agent]\nserch_queries = 3\n", "Unknown setting agent.serch_queries"),
        ("[agnt]\n", r"Unknown section \[agnt\]"),
        ("agent = 3\n", "agent"),
        ('[agent]\nschedule = "random"\n', "agent.schedule"),
        ("x = " + "[" * 5_000 + "]" * 5_000, "is not TOML"),
        ("[agent]\nthreshold = nan\n", "agent.threshold"),
    ],
)
def test_a_wrong_file_is_one_clear_message(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        load_settings(write(tmp_path / "c.toml", text), {})
    assert str(tmp_path) in caught.value.message and caught.value.hint


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PASA_TUI_AGENT__SEARCH_QUERIES", "many"),
        ("PASA_TUI_AGENT__MAX_SECONDS", "\udcff"),
        ("PASA_TUI_AGENT__NOPE", "1"),
        ("PASA_TUI_NOPE__X", "1"),
    ],
)
def test_a_wrong_variable_is_named(tmp_path: Path, variable: str, value: str) -> None:
    with pytest.raises(ConfigError, match=variable):
        load_settings(tmp_path / "none.toml", {variable: value})


def test_every_setting_is_described_and_says_where_it_is_from(tmp_path: Path) -> None:
    path = write(tmp_path / "c.toml", "[agent]\nsearch_papers = 20\n")
    environ = {"PASA_TUI_EXPORT__LATEX": "true"}
    infos = {info.name: info for info in explain(load_settings(path, environ), path, environ)}
    assert all(info.description for info in infos.values())
    assert infos["agent.search_papers"].source == str(path) and infos["agent.search_papers"].value == 20
    assert infos["export.latex"].source == "PASA_TUI_EXPORT__LATEX" and infos["export.latex"].value is True
    assert infos["agent.schedule"].source == "default"


def test_files_and_folders_are_private_whatever_the_umask(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        path = private_file(tmp_path / "a" / "b" / "library.db")
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [stat.S_IMODE(parent.stat().st_mode) for parent in (path.parent, path.parent.parent)] == [0o700, 0o700]


def test_a_file_where_a_folder_should_be_is_one_clear_message(tmp_path: Path) -> None:
    write(tmp_path / "taken", "")
    with pytest.raises(ConfigError, match="taken") as caught:
        private_dir(tmp_path / "taken" / "deeper")
    assert "PASA_TUI_HOME" in caught.value.hint
    with pytest.raises(ConfigError):
        private_dir(tmp_path / "taken")


def test_pasa_tui_home_holds_everything(tmp_path: Path) -> None:
    paths = Paths.default({"PASA_TUI_HOME": str(tmp_path)})
    for path in (paths.config_file, paths.library_file, paths.corpora_dir, paths.cache_dir, paths.themes_dir):
        assert path.is_relative_to(tmp_path)


@pytest.mark.parametrize("name", ["themes", "sample"])
def test_what_ships_is_there(name: str) -> None:
    assert any(shipped_dir(name).iterdir())


PROFILES = """
[models]
default = "mine"
[profiles.mine]
url = "http://localhost:11434/v1"
model = "qwen3:8b"
[profiles."gpt.x"]
url = "https://api.openai.com/v1"
crawler = "big"
selector = "small"
price_in = 0.5
"""


def test_profiles_are_sections_of_their_own(tmp_path: Path) -> None:
    path = write(tmp_path / "c.toml", PROFILES)
    settings = load_settings(path, {})
    mine = find_profile("mine", settings.profiles)
    assert (mine.engine, mine.crawler_model, mine.selector_model, mine.is_paid) == (
        "openai",
        "qwen3:8b",
        "qwen3:8b",
        False,
    )
    assert find_profile("gpt.x", settings.profiles).is_paid
    told = {info.name: info.value for info in explain(settings, path, {})}
    assert told["profiles.mine.model"] == "qwen3:8b" and told["models.default"] == "mine"
    assert "profiles.mine.price_in" not in told


def test_pasa_is_known_without_settings_and_can_be_set_otherwise() -> None:
    known = find_profile("pasa-7b", {})
    assert (known.engine, known.prompts, known.selector_model) == ("auto", "published", "pasa-7b-selector")
    own = Profile(url="http://host/v1", model="pasa", prompts="published")
    assert find_profile("pasa-7b", {"pasa-7b": own}) is own


def test_a_password_in_an_address_is_not_shown() -> None:
    assert Profile(url="https://me:secret@host:8000/v1").address == "https://host:8000/v1"
    assert Profile(url="http://host").address == "http://host" and Profile().address == ""


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[profiles.mine]\nurll = "x"\n', "Unknown setting profiles.mine.urll"),
        ('[profiles.mine]\nurl = "ftp://x"\n', "profiles.mine.url"),
        ('[profiles.builtin]\nurl = ""\n', "can't be named 'builtin'"),
        ('[profiles."a b"]\nurl = ""\n', "can't be named 'a b'"),
        ("profiles = 3\n", "profiles"),
        ("[profiles]\nmine = 3\n", "profiles.mine"),
        ('[profiles.mine]\nprice_in = "much"\n', "profiles.mine.price_in"),
    ],
)
def test_a_wrong_profile_is_one_clear_message(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        load_settings(write(tmp_path / "c.toml", text), {})


@pytest.mark.parametrize(
    ("profile", "says"),
    [
        (None, "no model 'mine'"),
        (Profile(url="http://host/v1"), "names no model"),
        (Profile(model="x"), "has no `url`"),
    ],
)
def test_a_profile_that_can_not_be_used_says_what_to_set(profile: Profile | None, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        find_profile("mine", {"mine": profile} if profile else {})
    assert "profiles.mine" in caught.value.hint
