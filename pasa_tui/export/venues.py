"""What kind of publication a venue is, judged by its name."""

import re
from typing import Literal

EntryType = Literal["article", "inproceedings", "misc"]

_PREPRINT = re.compile(r"(?:arxiv(?:\.org)?|corr|biorxiv|medrxiv|ssrn|preprint)\b.*", re.IGNORECASE)
# Journals first: "Proceedings of the National Academy of Sciences" is one, and so is the Machine Learning journal.
_JOURNAL = re.compile(
    r"\btrans\.|\b(?:journal|transactions|letters|review|reviews|magazine|annals|bulletin|quarterly|archives|surveys|"
    r"foundations and trends|proceedings of the national academy|proceedings of the ieee|pvldb)\b"
    r"|^(?:nature|science|cell|neuron|plos|pnas|jmlr|tmlr|jair|tacl|tois|tkde|tpami|toit|tist|jasist|ieee access|"
    r"machine learning|artificial intelligence|neural networks|neural computation|scientific reports|"
    r"information sciences|physical review|communications of the acm|patterns|bioinformatics)\b(?! conf)",
    re.IGNORECASE,
)
_MEETING = re.compile(
    r"(?i:\b(?:conf|proc)\.|\b(?:conference|proceedings|workshops?|symposium|congress|meeting|findings|colloquium)\b)"
    r"|\b(?:ICLR|NeurIPS|NIPS|ICML|ACL|EMNLP|NAACL|EACL|AACL|IJCNLP|COLING|CoNLL|COLM|LREC|INTERSPEECH|ICASSP|CVPR|"
    r"ICCV|ECCV|WACV|BMVC|SIGIR|ICTIR|CHIIR|ECIR|CIKM|WSDM|WWW|KDD|RecSys|JCDL|TREC|CLEF|NTCIR|AAAI|IJCAI|ECAI|UAI|"
    r"AISTATS|COLT|ALT|CoRL|ICRA|IROS|RSS|AAMAS|ICAPS|CHI|UIST|CSCW|SIGMOD|VLDB|ICDE|PODS|EDBT|STOC|FOCS|SODA|OSDI|"
    r"SOSP|NSDI|ATC|EuroSys|ASPLOS|ISCA|MLSys|ICSE|FSE|ASE|ISSTA|PLDI|POPL|OOPSLA|CCS|USENIX|SIGGRAPH|ISWC|ESWC|MM)\b",
)
# Registrants and series that hold proceedings: the ACL Anthology, and Springer's book chapters.
_MEETING_DOI = re.compile(r"10\.18653/|10\.1007/978-", re.IGNORECASE)
_YEAR = re.compile(r"(?<!\d)(?:19[5-9]|20[0-9])\d(?!\d)")


def publication_venue(venue: str | None) -> str | None:
    """`venue` without the names of preprint servers, which publish nothing; None where none is left."""
    return None if not venue or _PREPRINT.fullmatch(venue.strip()) else venue.strip() or None


def entry_type(venue: str | None, doi: str | None) -> EntryType:
    """The BibTeX type for a paper of `venue`: a journal, a meeting or a book of proceedings, or neither.

    An unknown venue counts as a journal where a DOI says that the paper was published there.

    >>> entry_type("ICLR 2023", None), entry_type("Journal of Things", None), entry_type("a blog", None)
    ('inproceedings', 'article', 'misc')
    """
    if not venue:
        return "misc"
    if _JOURNAL.search(venue):
        return "article"
    if _MEETING.search(venue) or (doi and _MEETING_DOI.match(doi)):
        return "inproceedings"
    return "article" if doi else "misc"


def venue_year(venue: str | None) -> int | None:
    """The one year that a venue's name holds ("ICLR 2023"), or None."""
    years = {int(year) for year in _YEAR.findall(venue or "")}
    return years.pop() if len(years) == 1 else None
