"""What is no title in an entry of a bibliography: how venues, kinds of work and links begin."""

import re

from pasa_tui.sources.authors import UPPER
from pasa_tui.sources.identifiers import DATE, YEAR

VENUE = re.compile(
    rf"""(?:[Ii]n:?\s+(?=[“"{UPPER}\d])|[Ii]n:|Proc(?:\.|eedings\b)|Advances\sin\s|Adv\.\s|Journal\s(?:of|for)\s|J\.\s
    |(?:IEEE|ACM|SIAM|AMS|PeerJ|PLoS|PLOS|BMC|EURASIP|EPJ)\b|Transactions\s(?:of|on)\s|Trans\.|arXiv\b|arxiv[:\s]
    |CoRR\b|abs/\d|bioRxiv|medRxiv|SSRN|[Pp]reprint\b|[Tt]ech(?:nical|\.)\s[Rr]ep|Ph\.?\s?D\.?\s|[Dd]octoral\s
    |[Mm]aster[’']?s?[’']?\s[Tt]hesis|[Dd]issertation|[Bb]achelor|Thesis\b|[Uu]npublished|[Mm]anuscript|[Tt]o\sappear
    |https?:|www\.|URL\b|url:|[Dd]oi:|DOI\b|Available\b|Accessed\b|Retrieved\b|\[Online\]|Lecture\sNotes\s|LNCS
    |(?:[\w-]{{1,40}}\s){{0,2}}(?:University\sPress|Springer|Elsevier|Wiley|McGraw)|(?:MIT|CRC|Academic)\sPress
    |(?:\d+(?:st|nd|rd|th)\s)?(?:[\w-]{{1,40}}\s){{0,3}}(?:Conference|Symposium|Workshop|Meeting)\s(?:of|on|for)\s
    |(?:{YEAR}\s)?(?:NeurIPS|NIPS|ICML|ICLR|CVPR|ICCV|ECCV|EMNLP|NAACL|AAAI|IJCAI|SIGIR|ACL|KDD|COLING|Nature|Science)
     (?:[\s,.]|$)
    |Phys\.|Rev\.|Nucl\.|Astrophys|Commun\.|Comput\.|Ann\.|Math\.|Nat\.|Sci\.|Lett\.|Appl\.|Eur\.|Int\.\s
    |[{UPPER}][\w&’':-]{{0,40}}(?:\s[\w&’':-]{{1,40}}){{0,7}},?\s(?:vol\.\s?|[Vv]olume\s)?\d+\s?(?:\(|[,:;]\s?\w{{0,2}}\d|,\s(?:no|pp|art)|$)
    |(?:Vol(?:\.|ume)|vol(?:\.|ume)|No\.|pp\.|pages)\s|{DATE}\s*[.;,:]|\(?{DATE}\)?\s*$)""",
    re.VERBOSE,
)
NO_TITLE = re.compile(
    r"in:?\s|In:\s|In\s(?:the\s)?(?:Proc|Advances\s|(?:\w+\s){0,2}(?:Conference|Symposium|Workshop))|arXiv\b|CoRR\b|bioRxiv\b"
    r"|https?:|doi:|Tech(?:nical|\.)\s[Rr]ep[.\w]*\s|(?:Ph\.?\s?D\.?\s|Master[’']?s?[’']?\s)[Tt]hesis[,;]|Unpublished\b|[a-z-]+/\d{7}"
)
# What kind of work it is, as Chinese standards mark it behind the title: "[J]", "[C]//", "[EB/OL]".
GENRE = re.compile(r":?\s?\[(?:[A-Z]{1,2}(?:/[A-Z]{2})?|(?:PhD|Master|Doctoral)[^]]*)\]")
JOURNAL = re.compile(rf"(?:\b[{UPPER}]\w*[.\s&]*|\b(?:of|and|the|in|on|für|de)\s+){{1,9}}$")
SHORT_OF_TITLE = re.compile(
    r"in:|in\s(?=[A-Z“])|In[\s:]|arXiv|Ph\.?D|Proc|Master|Tech|\w+\s[Ee]d(?:n|\.|ition)|\d{4}\.\d{4,5}\b|vol(?:\.|ume)\s|[^,]+,\svol\.\s\d"
    r"|[Uu]npublished|[Mm]anuscript|[Pp]reprint|[Tt]o\sappear|in\spress|submitted"
)
