"""Text in plain ASCII: cleaned, and Latin letters turned into it for citation keys and for LaTeX's default fonts."""

import re
import unicodedata

from pasa_tui.papers import clean_text

# Latin letters that Unicode does not take apart into a base letter and marks.
_WHOLE = str.maketrans(
    {
        "Æ": "AE", "æ": "ae", "Œ": "OE", "œ": "oe", "Ø": "O", "ø": "o", "ß": "ss", "ẞ": "SS", "Ł": "L", "ł": "l",
        "Đ": "D", "đ": "d", "Ð": "D", "ð": "d", "Þ": "Th", "þ": "th", "Ħ": "H", "ħ": "h", "Ŧ": "T", "ŧ": "t",
        "Ŋ": "Ng", "ŋ": "ng", "ı": "i", "ȷ": "j", "ĸ": "k", "Ə": "E", "ə": "e", "Ɓ": "B", "ɓ": "b", "Ɗ": "D",
        "ɗ": "d", "Ƙ": "K", "ƙ": "k", "Ơ": "O", "ơ": "o", "Ư": "U", "ư": "u", "ʻ": "'", "ʼ": "'", "ʹ": "'",
    }
)  # fmt: skip


_MARK = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]")


def cleaned(text: str) -> str:
    """`clean_text` of `text`, at once where there is nothing to clean, as in most of an export."""
    printable = text.isprintable() and "  " not in text and text[:1] != " " and text[-1:] != " "
    if printable and (text.isascii() or (unicodedata.is_normalized("NFC", text) and not _MARK.search(text))):
        return text
    return clean_text(text)


def fold_ascii(text: str) -> str:
    """`text` with its Latin letters in ASCII; characters of other scripts are left out.

    Accents go (é becomes e), letters of their own get their usual spelling (ß becomes ss, đ becomes d),
    compatibility forms their plain one (ﬁ becomes fi).

    >>> fold_ascii("Łukasz Đorđević")
    'Lukasz Dordevic'
    """
    return unicodedata.normalize("NFKD", text.translate(_WHOLE)).encode("ascii", "ignore").decode()
