from pathlib import Path

import pytest
from textual.color import Color

from pasa_tui.config import shipped_dir
from pasa_tui.tui.themes import load_themes


def test_ours_are_there_one_dark_one_light() -> None:
    themes, problems = load_themes([shipped_dir("themes")])
    assert problems == [] and {(theme.name, theme.dark) for theme in themes} == {
        ("pasa-night", True),
        ("pasa-day", False),
    }


@pytest.mark.parametrize("name", ["foreground", "primary", "secondary", "accent", "warning", "error", "success"])
def test_text_colours_stand_out_from_every_ground(name: str) -> None:
    """WCAG 2 asks 4.5:1 of text."""
    for theme in load_themes([shipped_dir("themes")])[0]:
        for ground in (theme.background, theme.surface):
            assert ground is not None
            assert contrast(Color.parse(getattr(theme, name)), Color.parse(ground)) >= 4.5, (theme.name, name, ground)


def contrast(one: Color, other: Color) -> float:
    """The contrast ratio of WCAG 2, from 1 to 21."""

    def luminance(colour: Color) -> float:
        parts = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in colour.normalized]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_a_users_theme_goes_over_ours_and_a_bad_one_costs_only_itself(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('name = "pasa-day"\nprimary = "#111111"\ndark = false\n')
    (tmp_path / "b.toml").write_text('primary = "no colour"\n')
    (tmp_path / "c.toml").write_text("not toml")
    (tmp_path / "d.toml").write_text('primary = "#fff"\nsparkle = true\n')
    (tmp_path / "e.toml").write_text("dark = true\n")
    (tmp_path / "mine.toml").write_text('primary = "#abcdef"\n')
    themes, problems = load_themes([shipped_dir("themes"), tmp_path])
    by_name = {theme.name: theme for theme in themes}
    assert set(by_name) == {"pasa-night", "pasa-day", "mine"} and by_name["pasa-day"].primary == "#111111"
    assert [problem.split()[0] for problem in problems] == ["b.toml", "c.toml", "d.toml", "e.toml"]
