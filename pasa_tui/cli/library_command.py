"""`pasa-tui library`: the papers of all searches, and care of the file they are in."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pasa_tui.cli.context import Context
from pasa_tui.papers import PaperId, clean_text, parse_arxiv_id, parse_doi

if TYPE_CHECKING:
    from pasa_tui.library import Library, PaperRow


@click.group()
def command() -> None:
    """Search and look after the library: everything that searches found and you marked."""


@command.command()
@click.argument("text", default="")
@click.option("--tag", help="Only papers with this tag.")
@click.option("--starred", is_flag=True, help="Only papers with a star.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="Print at most this many.")
@click.option("--format", "output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_obj
def search(context: Context, text: str, tag: str | None, starred: bool, limit: int, output: str) -> None:
    """Find papers of all searches with the words of TEXT in title, abstract or authors."""
    if not (text.strip() or tag or starred):
        raise click.UsageError("Give words to look for, or --tag or --starred.")
    with context.open_library() as library:
        rows = library.find_papers(text, limit, tag=tag, starred=starred)
    if output == "json":
        click.echo(json.dumps([_row_json(row) for row in rows], ensure_ascii=False, indent=2))
        return
    for row in rows:
        signs = ("★" if row.starred else "") + ("✗" if row.rejected else "")
        year = str(row.paper.date.year) if row.paper.date else "    "
        tags = "".join(f"  #{tag}" for tag in row.tags)
        click.echo(f"{signs:<2}{year}  {row.paper.title}{tags}\n        {row.paper.id}")
    if not rows:
        click.echo("No paper of the library is like that.", err=True)


@command.command()
@click.argument("paper")
@click.option("--format", "output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_obj
def show(context: Context, paper: str, output: str) -> None:
    """Show one PAPER: an arXiv id, a DOI, or an id that `library search` prints."""
    with context.open_library() as library:
        row = library.paper_row(_paper_id(paper))
        searches = [
            (library.search(number), score, selected) for number, score, selected in library.searches_of(row.paper.id)
        ]
    if output == "json":
        found = [
            {"id": of.id, "query": of.query, "score": score, "selected": selected} for of, score, selected in searches
        ]
        click.echo(json.dumps({**_row_json(row), "found_by": found}, ensure_ascii=False, indent=2))
        return
    for line in _paper_lines(row):
        click.echo(line)
    for of, score, selected in searches:
        judged = "  – " if score is None else f"{score:.2f}"
        click.echo(f"{of.id:>4}  {judged}  {'selected' if selected else '        '}  {of.name}")


@command.command()
@click.pass_obj
def tags(context: Context) -> None:
    """List all tags with their numbers of papers."""
    with context.open_library() as library:
        counts = library.all_tags()
    for tag, count in counts.items():
        click.echo(f"{count:>6}  {tag}")
    if not counts:
        click.echo("No tag is in use.", err=True)


@command.command()
@click.option("--format", "output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_obj
def stats(context: Context, output: str) -> None:
    """Say what is in the library, in numbers."""
    with context.open_library() as library:
        numbers = library.stats()
    if output == "json":
        click.echo(json.dumps(asdict(numbers), indent=2))
        return
    for name, value in asdict(numbers).items():
        if name == "known":
            for origin, count in value.items():
                click.echo(f"{count:>10,}  known from {origin}")
        else:
            click.echo(f"{value:>10,}  {name}")


@command.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--overwrite", is_flag=True, help="Replace the file if it is there.")
@click.pass_obj
def backup(context: Context, file: Path, overwrite: bool) -> None:
    """Write the library to FILE, as one consistent file, also while the application runs."""
    with context.open_library() as library:
        size = library.backup(file, overwrite=overwrite)
    click.echo(f"{size:,} bytes written to {file}", err=True)


@command.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_obj
def import_(context: Context, file: Path) -> None:
    """Merge another library, such as a backup, into this one. What is there already stays as it is."""
    with context.open_library() as library:
        brought = library.import_library(file)
    click.echo(f"{brought.searches:,} searches and {brought.papers:,} papers were new", err=True)


@command.command()
@click.pass_obj
def vacuum(context: Context) -> None:
    """Forget deleted searches for good, and give their space back."""
    with context.open_library() as library:
        before, after = library.vacuum()
    click.echo(f"{before:,} bytes before, {after:,} after", err=True)


@command.command()
@click.pass_context
def check(context: click.Context) -> None:
    """Check that the file is sound; exits with 1 where it is not."""
    with context.obj.open_library() as library:
        problems = library.check()
    for problem in problems:
        click.echo(problem)
    if problems:
        click.echo("`pasa-tui library backup` may still save what can be read.", err=True)
        context.exit(1)
    click.echo("The library is sound.", err=True)


@command.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--forget", metavar="ORIGIN", help="Know nothing from there any more.")
@click.pass_obj
def known(context: Context, file: Path | None, forget: str | None) -> None:
    """Mark the papers of FILE (.bib, .ris, CSL .json) as known in results; without it, list what is known."""
    with context.open_library() as library:
        if forget:
            library.forget_known(forget)
        if file is not None:
            _read_known(library, file)
        for origin, count in library.known_origins().items():
            click.echo(f"{count:>6}  {origin}")


def _read_known(library: "Library", file: Path) -> None:
    from pasa_tui.export.reading import read_references

    references = read_references(file)
    count = library.set_known(clean_text(file.name), references)
    skipped = f"; {references.skipped:,} entries could not be read" if references.skipped else ""
    click.echo(f"{count:,} papers are known from {file.name}{skipped}", err=True)


def _paper_id(text: str) -> PaperId:
    if arxiv := parse_arxiv_id(text):
        return PaperId(f"arxiv:{arxiv}")
    if doi := parse_doi(text):
        return PaperId(f"doi:{doi}")
    return PaperId(text.strip())


def _row_json(row: "PaperRow") -> dict[str, Any]:
    paper = asdict(row.paper)
    paper["date"] = row.paper.date.isoformat() if row.paper.date else None
    return {
        "id": row.paper.id,
        **paper,
        "url": row.paper.url,
        "searches": row.searches,
        "starred": row.starred,
        "rejected": row.rejected,
        "tags": row.tags,
        "note": row.note,
    }


def _paper_lines(row: "PaperRow") -> Iterator[str]:
    paper = row.paper
    yield ("★ " if row.starred else "") + ("✗ " if row.rejected else "") + paper.title
    yield ", ".join(paper.authors)
    facts = (
        paper.date.isoformat() if paper.date else "",
        paper.venue or "",
        " ".join(paper.categories),
        paper.url or "",
    )
    yield " · ".join(fact for fact in facts if fact)
    if paper.abstract:
        yield f"\n{paper.abstract}\n"
    if row.tags:
        yield "Tags: " + ", ".join(row.tags)
    if row.note:
        yield f"Note: {row.note}"
