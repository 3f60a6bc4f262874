"""A record as Zotero's item JSON, and an item of a Zotero library as a paper.

Fields are those of Zotero's schema for the three item types used here; what is arXiv's stands as Zotero's own arXiv
translator writes it. The web API and the desktop program take the same fields.
"""

import html
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pasa_tui.export.ascii import cleaned
from pasa_tui.export.names import Name, known_authors
from pasa_tui.export.publication import UNTITLED, publication_of
from pasa_tui.export.record import Record
from pasa_tui.export.venues import entry_type
from pasa_tui.papers import Paper, arxiv_of_doi, clean_text, names_of, parse_arxiv_id, parse_doi

Item = dict[str, Any]
"""The editable JSON of a Zotero item, or what of it is to be made."""

OUR_TAG = "pasa-tui"
_TYPES = {"article": "journalArticle", "inproceedings": "conferencePaper", "misc": "preprint"}
_VENUES = {"journalArticle": "publicationTitle", "conferencePaper": "proceedingsTitle", "preprint": "repository"}
_NOT_PAPERS = frozenset({"attachment", "note", "annotation"})
_LONGEST_TAG = 255
_LONGEST_FIELD = 60_000
"""Characters, or bytes in UTF-8: the API takes fields of 65,535 bytes, and tags of 255 characters."""
_IN_EXTRA = re.compile(r"^\s*(arxiv|doi)\s*:\s*(\S+)", re.IGNORECASE | re.MULTILINE)


def item_of(record: Record, *, our_tag: bool = False) -> Item:
    """The item of a record: preprint, journalArticle or conferencePaper; tags are the user's, and `OUR_TAG` if wanted.

    It belongs to no collection yet. Names of one word and those of collaborations are one field, as Zotero has it.
    """
    paper, publication = record.paper, publication_of(record.paper)
    own_doi = None if arxiv_of_doi(publication.doi) else publication.doi
    # A publisher's DOI tells of a publication also where its venue is not known.
    item_type = _TYPES[entry_type(publication.venue or (own_doi and "unknown"), own_doi)]
    arxiv = publication.arxiv
    item: Item = {
        "itemType": item_type,
        "title": _field(paper.title) or UNTITLED,
        "creators": [_creator(name) for name in known_authors(paper.authors)],
        "abstractNote": _field(paper.abstract) if paper.abstract_kind == "abstract" else "",
        _VENUES[item_type]: _field(publication.venue or ""),
        "date": publication.date,
        "DOI": cleaned(own_doi or ""),
        "url": publication.url or "",
        "libraryCatalog": "arXiv.org" if arxiv else "",
        "extra": _extra(arxiv, publication.category) if arxiv else "",
    }
    if arxiv and item_type == "preprint":
        item |= {"repository": "arXiv", "archiveID": f"arXiv:{arxiv}", "DOI": f"10.48550/arXiv.{arxiv}"}
    tags = dict.fromkeys(cleaned(tag)[:_LONGEST_TAG] for tag in (*record.tags, *((OUR_TAG,) if our_tag else ())))
    return {name: value for name, value in item.items() if value} | {"tags": [{"tag": tag} for tag in tags if tag]}


def note_of(record: Record) -> str:
    """The record's judgement and the user's note as the HTML of a child note; "" where there is nothing to tell."""
    facts = {
        "Score": f"{record.score:.2f}" if record.score is not None else "",
        "Reason": cleaned(record.reason),
        "Found by": cleaned(record.found_by),
    }
    told = [f"<p>{name}: {html.escape(text[:_LONGEST_FIELD])}</p>" for name, text in facts.items() if text]
    lines = clean_text(record.note, keep_newlines=True)[:_LONGEST_FIELD].splitlines()
    written = [f"<p>{html.escape(line)}</p>" for line in lines if line]
    return "".join([f"<p><b>{OUR_TAG}</b></p>", *told, *written]) if told or written else ""


def paper_of(item: Mapping[str, Any]) -> Paper | None:
    """What an item says of its paper, or None where it is a note, an attachment, or has no title.

    The arXiv id is looked for in archiveID, Extra, the DOI and the link; the DOI in its field, Extra and the link.
    """
    title = cleaned(_text(item, "title"))
    if not title or _text(item, "itemType") in _NOT_PAPERS:
        return None
    extra: dict[str, str] = {}
    for kind, value in _IN_EXTRA.findall(_text(item, "extra")):
        extra.setdefault(kind.lower(), value)
    url = _text(item, "url")
    dois = [doi for text in (_text(item, "DOI"), extra.get("doi", ""), url) if (doi := parse_doi(text))]
    places = (_text(item, "archiveID"), extra.get("arxiv", ""), url)
    arxiv = next((found for place in places if (found := parse_arxiv_id(place))), None)
    return Paper(
        title,
        authors=tuple(filter(None, map(_author, _creators(item)))),
        arxiv_id=arxiv or next(filter(None, map(arxiv_of_doi, dois)), None),
        doi=next((doi for doi in dois if not arxiv_of_doi(doi)), None),
    )


def names_in_zotero(paper: Paper) -> frozenset[str]:
    """By what a paper is told from others in a Zotero library: arXiv id, DOI, title; never empty.

    A title too short to tell papers apart counts where there is no id.
    """
    names = names_of(paper)
    return frozenset(names or (f"title:{paper.title.casefold()}",))


def _field(text: str) -> str:
    return cleaned(text).encode()[:_LONGEST_FIELD].decode(errors="ignore")


def _extra(arxiv: str, category: str | None) -> str:
    # An id of before 2007 begins with its archive.
    return f"arXiv:{arxiv}" if "/" in arxiv or not category else f"arXiv:{arxiv} [{category}]"


def _creator(name: Name) -> dict[str, str]:
    family = " ".join(filter(None, (name.particle, name.family)))
    if name.collective or not name.given:
        return {"creatorType": "author", "name": ", ".join(filter(None, (family, name.suffix)))}
    given = ", ".join(filter(None, (name.given, name.suffix)))
    return {"creatorType": "author", "firstName": given, "lastName": family}


def _text(item: Mapping[str, Any], name: str) -> str:
    value = item.get(name)
    return value if isinstance(value, str) else ""


def _creators(item: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    creators = item.get("creators")
    return [creator for creator in creators if isinstance(creator, dict)] if isinstance(creators, list) else []


def _author(creator: Mapping[str, Any]) -> str:
    parts = (_text(creator, "firstName"), _text(creator, "lastName")) if "lastName" in creator else ()
    return cleaned(" ".join(parts) if parts else _text(creator, "name"))
