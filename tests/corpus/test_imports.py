import gzip
import json
import zipfile
from datetime import date
from pathlib import Path

import pytest

from pasa_tui.config import Paths
from pasa_tui.corpus import open_corpus
from pasa_tui.corpus.build import import_arxiv
from pasa_tui.corpus.pasa import import_pasa
from pasa_tui.errors import CorpusError
from pasa_tui.papers import PaperId
from tests.corpus.conftest import json_lines

ENTRIES: dict[str, object] = {
    "tidalagents": {
        "title": "Tidal Agents",
        "abstract": "On moving goals.",
        "sections": {
            "Introduction": ["Kelp2 Technical Report", "A Book Nobody Has", "Kelp2 Technical Report"],
            "Related Work": None,
            "Method": ["Lanterns for\nSparse Retrieval", {"title": "odd"}],
        },
    },
    "folder/kelptechnicalreport.json": {"title": "Kelp2 Technical Report", "abstract": None, "sections": None},
    "lanternsforsparseretrieval": {"title": "Lanterns for Sparse Retrieval", "abstract": "Light."},
    "anentrywithoutitsowntitle": {"abstract": "Named by its key."},
    "broken": "not an object",
}
IDS = {
    "2203.00001v2": "Tidal Agents",
    "2303.00003": "Kelp3 Technical Report",
    "2302.00002": "Kelp2 technical report",
    "hep-th/9901001": "Lanterns for Sparse Retrieval",
    "no id": "An entry",
}


def pasa_files(folder: Path, entries: dict[str, object] = ENTRIES) -> tuple[Path, Path]:
    zip_file, ids_file = folder / "papers.zip", folder / "ids.json"
    with zipfile.ZipFile(zip_file, "w") as archive:
        archive.mkdir("folder")
        for name, entry in entries.items():
            archive.writestr(name, json.dumps(entry))
    ids_file.write_text(json.dumps(IDS), encoding="utf-8")
    return zip_file, ids_file


async def test_pasas_database_is_read_as_published(paths: Paths, tmp_path: Path) -> None:
    zip_file, ids_file = pasa_files(tmp_path)
    report = import_pasa(paths, "pasa", zip_file=zip_file, ids_file=ids_file)
    assert (report.info.papers, report.info.citing_papers, report.info.citations) == (4, 1, 3)
    assert [str(problem) for problem in report.problems] == ["papers.zip: 1 × Expected object, got str (broken)"]
    with open_corpus("pasa", paths) as corpus:
        tidal = corpus.get(PaperId("arxiv:2203.00001"))
        assert tidal is not None and tidal.date == date(2022, 3, 15)
        introduction, method = await corpus.read(tidal)
        assert (introduction.name, [citation.title for citation in introduction.citations]) == (
            "Introduction",
            ["Kelp2 Technical Report", "A Book Nobody Has"],
        )
        cited = await corpus.resolve([*introduction.citations, *method.citations])
        assert [paper and paper.id for paper in cited] == ["arxiv:2302.00002", None, "arxiv:hep-th/9901001"]
        assert corpus.cited_by(PaperId("arxiv:2302.00002")) == ["arxiv:2203.00001"]
        keyed = corpus.get(PaperId("title:anentrywithoutitsowntitle"))
        assert keyed is not None and keyed.abstract == "Named by its key."


def test_what_is_not_pasas_database_is_refused(paths: Paths, tmp_path: Path) -> None:
    zip_file, ids_file = pasa_files(tmp_path)
    cut = tmp_path / "cut.zip"
    cut.write_bytes(zip_file.read_bytes()[:-30])
    other = tmp_path / "other"
    other.mkdir()
    useless, _ = pasa_files(other, {"a": []})
    for zip_given, ids_given, says in (
        (cut, ids_file, "not a complete zip"),
        (ids_file, ids_file, "not a complete zip"),
        (useless, ids_file, "no usable entry"),
        (zip_file, zip_file, "not a map from arXiv ids"),
        (tmp_path / "missing.zip", ids_file, "There is no file"),
        (zip_file, tmp_path, "is a folder"),
    ):
        with pytest.raises(CorpusError, match=says):
            import_pasa(paths, "pasa", zip_file=zip_given, ids_file=ids_given)
    assert not (paths.corpora_dir / "pasa").exists()


ARXIV = [
    {
        "id": "0704.00011",
        "authors": "ignored",
        "authors_parsed": [["Ruiz", "Ana", ""], ["Berg", "Tomas", "Jr"], ["The Kelp Group", "", ""]],
        "title": "Lanterns for\n  Sparse Retrieval",
        "comments": "12 pages",
        "journal-ref": "J. Lanterns 3 (2008)",
        "doi": "10.5555/lantern.1 10.5555/lantern.2",
        "abstract": "  We light\nthe path.\n",
        "categories": "cs.IR cs.CL",
        "versions": [
            {"version": "v1", "created": "Mon, 2 Apr 2007 19:18:42 GMT"},
            {"version": "v2", "created": "Tue, 24 Jul 2009 20:10:27 GMT"},
        ],
        "update_date": "2009-11-26",
    },
    {"id": "hep-th/9901001", "title": "Old Beacons", "authors": "A. Ruiz, T. Berg and N. Haddad", "versions": []},
    {"id": "2101.00001", "title": "Wrong Day", "versions": [{"version": "v1", "created": "long ago"}]},
    {"id": "nothing", "title": "No id"},
]


def test_the_arxiv_snapshot_is_read_as_published(paths: Paths, tmp_path: Path) -> None:
    file = tmp_path / "snapshot.json"
    file.write_bytes(gzip.compress(json_lines(tmp_path / "plain.json", ARXIV).read_bytes()))
    report = import_arxiv(paths, "arxiv", file=file)
    assert [problem.kind for problem in report.problems] == [
        "bad date (paper kept, taken as undated or from its arXiv id)",
        "no arXiv id",
    ]
    with open_corpus("arxiv", paths) as corpus:
        lantern, beacons, wrong = (
            corpus.get(PaperId(f"arxiv:{name}")) for name in ("0704.00011", "hep-th/9901001", "2101.00001")
        )
    assert lantern is not None and beacons is not None and wrong is not None
    assert (lantern.title, lantern.abstract) == ("Lanterns for Sparse Retrieval", "We light the path.")
    assert lantern.authors == ("Ana Ruiz", "Tomas Berg Jr", "The Kelp Group")
    assert (lantern.date, lantern.doi, lantern.venue) == (date(2007, 4, 2), "10.5555/lantern.1", "J. Lanterns 3 (2008)")
    assert lantern.categories == ("cs.IR", "cs.CL")
    assert beacons.authors == ("A. Ruiz", "T. Berg", "N. Haddad") and beacons.date == date(1999, 1, 15)
    assert wrong.date == date(2021, 1, 15)
