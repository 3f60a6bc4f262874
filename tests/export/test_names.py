"""Names: taken apart, and written so that no reader takes them apart otherwise."""

import pytest

from pasa_tui.export.names import Name, parse_name, to_bibtex_names


@pytest.mark.parametrize(
    ("display", "name"),
    [
        ("Shunyu Yao", Name("Yao", "Shunyu")),
        ("J. R. R. Tolkien", Name("Tolkien", "J. R. R.")),
        ("Aaron van den Oord", Name("Oord", "Aaron", "van den")),
        ("Maria José da Silva Lima", Name("Silva Lima", "Maria José", "da")),
        ("van den Oord, Aaron", Name("Oord", "Aaron", "van den")),
        ("Doe, Jane", Name("Doe", "Jane")),
        ("John Smith Jr.", Name("Smith", "John", suffix="Jr.")),
        ("John Smith, Jr.", Name("Smith", "John", suffix="Jr.")),
        ("King, Jr., Martin Luther", Name("King", "Martin Luther", suffix="Jr.")),
        ("Plato", Name("Plato")),
        ("The ATLAS Collaboration", Name("The ATLAS Collaboration", collective=True)),
        ("Barnes and Noble", Name("Barnes and Noble", collective=True)),
        ("a, b, c", Name("a, b, c", collective=True)),
    ],
)
def test_the_parts_of_a_name(display: str, name: Name) -> None:
    assert parse_name(display) == name


@pytest.mark.parametrize(
    ("authors", "expected"),
    [
        ((), ""),
        (("others",), ""),
        (("", "…"), ""),
        (("Ann Lee", "others"), "Lee, Ann and others"),
        (("others", "Ann Lee"), "{others} and Lee, Ann"),
        (("Ann And", "Barnes and Noble", "and"), "{And}, Ann and {Barnes and Noble} and {and}"),
        (("bell hooks", "maria da silva"), "{hooks}, bell and da {silva}, maria"),
        (("García y Vega, Juan",), "{García y Vega}, Juan"),
        (("X=Y Z%", "DeepSeek Team"), r"Z{\%}, X{=}Y and {DeepSeek Team}"),
        (("John Smith Jr.",), "Smith, Jr., John"),
        (
            ("50% and More", r"\x, y, {z", "a_b"),
            r"50{\%}{ }and{ }More and {\textbackslash}x{,}{ }y{,}{ }{\textbraceleft}z and a{\_}b",
        ),
        (("A [B] C",), "C, A {[}B{]}"),
        (("王小明",), "王小明"),
    ],
)
def test_the_list_as_bibtex_wants_it(authors: tuple[str, ...], expected: str) -> None:
    assert to_bibtex_names(authors) == expected


def test_initials_can_be_taken_of_encoded_names() -> None:
    assert to_bibtex_names(["Élise Müller"], latex=True) == r"M{\"{u}}ller, {\'{E}}lise"
