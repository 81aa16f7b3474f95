"""Sort keys: titles and names in the order in which people look for them.

PostgreSQL's own ICU collations are not built in everywhere, so the key is made here, stored, and
compared byte by byte (`COLLATE "C"`).
"""

import re
import unicodedata

SORT_KEY_LENGTH = 100
"""In characters. An index row holds at most 2,704 bytes, and a title shares it with its key."""

_ARTICLES = {
    "cat": ("el", "la", "els", "les", "l'", "un", "una"),
    "dan": ("den", "det", "de", "en", "et"),
    "dut": ("de", "het", "een", "'t"),
    "eng": ("the", "a", "an"),
    "fre": ("le", "la", "les", "l'", "un", "une", "des"),
    "ger": ("der", "die", "das", "ein", "eine"),
    "hun": ("a", "az", "egy"),
    "ita": ("il", "lo", "la", "i", "gli", "le", "l'", "un", "uno", "una", "un'"),
    "nor": ("den", "det", "de", "en", "et", "ei"),
    "por": ("o", "a", "os", "as", "um", "uma"),
    "spa": ("el", "la", "los", "las", "un", "una"),
    "swe": ("den", "det", "de", "en", "ett"),
}
"""Leading articles by ISO 639-2/B code: the ones that library catalogues skip in filing."""

_ARTICLE_PATTERNS = {
    language: re.compile(
        "(?:"
        + "|".join(
            re.escape(article) + ("" if article.endswith("'") else r"\s+") for article in articles
        )
        + r")(?=\S)"
    )
    for language, articles in _ARTICLES.items()
}

# Letters that Unicode does not decompose into a base letter and a mark.
_LETTERS = str.maketrans(
    {
        "æ": "ae",
        "œ": "oe",
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "ı": "i",
        "’": "'",
        "‘": "'",
    }
)
_AND = re.compile(r"\band\b", re.IGNORECASE)
_BETWEEN_WORDS = re.compile(r"[\W_]+")


def sort_key(text: str, language: str | None = None) -> str:
    """`text` without case, accents, punctuation and a leading article, at most 100 characters.

    `language` is the ISO 639-2/B code of the text: "Die Verwandlung" files under V in German, "Die
    Hard" under D in English. Without a language the English articles count.
    """
    folded = fold(text)
    article = _ARTICLE_PATTERNS.get(language or "eng")
    if article and (match := article.match(folded)):
        folded = folded[match.end() :]
    key = _BETWEEN_WORDS.sub(" ", folded.replace("'", "")).strip() or folded
    return key[:SORT_KEY_LENGTH].rstrip() or text[:SORT_KEY_LENGTH]


def sort_keys(text: str) -> set[str]:
    """Every key of a title that is written like this, in whatever language, with `&` or "and"."""
    spellings = {text, _AND.sub(" & ", text), text.replace("&", " and ")}
    return {sort_key(spelling, language) for spelling in spellings for language in _ARTICLES}


def fold(text: str) -> str:
    """`text` in lower case without accents: what is left when only the letters matter."""
    if text.isascii():  # most is, and has neither accents nor other letters' cases
        return text.lower().strip()
    # Decomposed first: "№" has no lower case, the "No" that it stands for has.
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    bare = "".join(character for character in decomposed if not unicodedata.combining(character))
    return bare.translate(_LETTERS).strip()
