"""Latin letters in plain ASCII: for citation keys, and for the letters LaTeX's default fonts lack."""

import unicodedata

# Latin letters that Unicode does not take apart into a base letter and marks.
_WHOLE = str.maketrans(
    {
        "Æ": "AE", "æ": "ae", "Œ": "OE", "œ": "oe", "Ø": "O", "ø": "o", "ß": "ss", "ẞ": "SS", "Ł": "L", "ł": "l",
        "Đ": "D", "đ": "d", "Ð": "D", "ð": "d", "Þ": "Th", "þ": "th", "Ħ": "H", "ħ": "h", "Ŧ": "T", "ŧ": "t",
        "Ŋ": "Ng", "ŋ": "ng", "ı": "i", "ȷ": "j", "ĸ": "k", "Ə": "E", "ə": "e", "Ɓ": "B", "ɓ": "b", "Ɗ": "D",
        "ɗ": "d", "Ƙ": "K", "ƙ": "k", "Ơ": "O", "ơ": "o", "Ư": "U", "ư": "u", "ʻ": "'", "ʼ": "'", "ʹ": "'",
    }
)  # fmt: skip


def fold_ascii(text: str) -> str:
    """`text` with its Latin letters in ASCII; characters of other scripts are left out.

    Accents go (é becomes e), letters of their own get their usual spelling (ß becomes ss, đ becomes d),
    compatibility forms their plain one (ﬁ becomes fi).

    >>> fold_ascii("Łukasz Đorđević")
    'Lukasz Dordevic'
    """
    return unicodedata.normalize("NFKD", text.translate(_WHOLE)).encode("ascii", "ignore").decode()
