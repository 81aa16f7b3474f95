"""The prose of the demo catalogue: subtitles of editions, blurbs, and people who never lived."""

from catalog.demo.chance import Chance
from catalog.demo.sources import Work
from catalog.models import BookFormat

_GIVEN_NAMES = (
    "Agathe", "Alasdair", "Anselm", "Beatrix", "Benedikt", "Camilla", "Cosmo", "Delphine", "Edwin",
    "Elspeth", "Fabian", "Flora", "Gideon", "Greta", "Hector", "Imogen", "Isidora", "Jerome",
    "Lavinia", "Leopold", "Ludmila", "Marguerite", "Mathilda", "Nahum", "Odile", "Octavia", "Piers",
    "Rosalind", "Rupert", "Sabine", "Silvan", "Tobias", "Ursula", "Valentina", "Winifred", "Xaver",
)  # fmt: skip
_FAMILY_NAMES = (
    "Ashcombe", "Averdieck", "Bellarmino", "Blackmantle", "Brandreth", "Calloway", "Castelvert",
    "Coppersmith", "Dallimore", "Draycott", "Ellerbeck", "Fairweather", "Falkenrath", "Garroway",
    "Hallwachs", "Hawksworth", "Ingleby", "Jessamy", "Kirkbride", "Lanyon", "Larkspur", "Merriman",
    "Montclair", "Nethersole", "Oakapple", "Pennyfeather", "Quarrington", "Rosenhain", "Sallow",
    "Sandoval-Pryce", "Silverlock", "Tavernier", "Thistlewood", "Tremayne", "Underhill", "Vavasour",
    "Wetherell", "Whitlock", "Yarborough", "Zimmerlin",
)  # fmt: skip

_EDITION_SUBTITLES = {
    "eng": (
        "Annotated edition", "Large print", "School edition", "With an introduction by {person}",
        "Illustrated by {person}", "Edited by {person}", "Collector's edition",
    ),
    "fre": (
        "Édition annotée", "Gros caractères", "Préface de {person}", "Illustré par {person}",
        "Texte intégral",
    ),
    "ger": (
        "Kommentierte Ausgabe", "Großdruck", "Mit einem Nachwort von {person}",
        "Illustriert von {person}", "Schulausgabe",
    ),
    "spa": (
        "Edición anotada", "Letra grande", "Prólogo de {person}", "Ilustrado por {person}",
        "Edición escolar",
    ),
    "ita": (
        "Edizione annotata", "Caratteri grandi", "Introduzione di {person}",
        "Illustrato da {person}", "Edizione integrale",
    ),
    "por": (
        "Edição anotada", "Letra grande", "Prefácio de {person}", "Ilustrado por {person}",
        "Edição escolar",
    ),
    "rus": ("С комментариями", "Крупный шрифт", "Школьное издание"),
}  # fmt: skip

# By the beginning of the first subject's Thema code, the longest that is listed.
_MERITS = {
    "F": (
        "its eye for what people leave unsaid", "a plot that tightens with each chapter",
        "its comedy as much as its sorrow", "characters who seem to have lived before page one",
        "the patience of its telling", "a last chapter that readers argue about",
    ),
    "Y": (
        "being as good read aloud as read alone", "never talking down to its readers",
        "adventures that still feel possible", "its jokes, which parents get too",
    ),
    "DC": (
        "lines that stay in the memory", "the music of its verse", "its plain and exact images",
        "saying much in little room",
    ),
    "DD": (
        "parts that actors ask for", "dialogue that lives on the page as on the stage",
        "a final act that has lost none of its force", "the swiftness of its scenes",
    ),
    "N": (
        "the liveliness of its narrative", "its portraits of the people who decided events",
        "its use of witnesses", "a wide view that never loses the detail",
    ),
    "Q": (
        "the clearness of its argument", "questions that nobody has settled since",
        "the courage to follow a thought to its end", "examples taken from everyday life",
    ),
    "": (
        "the freshness of its observation", "prose that wears its learning lightly",
        "the force of its reasoning", "its independence of mind",
    ),
}  # fmt: skip
_OPENINGS = (
    "“{title}” by {author} was {origin} and is still read for {merit}.",
    "{author}’s “{title}”, {origin}, has never lacked readers: they return to it for {merit}.",
    "Ever since it was {origin}, “{title}” has been loved for {merit}.",
    "Few works by {author} are as often recommended as “{title}”, {origin} and prized for {merit}.",
    "“{title}”, {origin}, shows {author} at full strength: critics praise it for {merit}.",
)
_BINDINGS: dict[str, tuple[str, ...]] = {
    BookFormat.HARDBACK: ("sewn hardback", "cloth-bound edition", "hardback with a ribbon"),
    BookFormat.PAPERBACK: ("paperback", "pocket edition", "paperback with flaps"),
    BookFormat.EBOOK: ("ebook", "digital edition"),
    BookFormat.OTHER: ("boxed set with a reading guide", "spiral-bound study edition"),
}
_TEXTS = (
    "follows the text that scholars prefer",
    "keeps the old spelling",
    "brings the spelling up to date",
    "is newly set in {typeface}",
    "corrects the errors of earlier printings",
)
_EXTRAS = (
    "has an introduction by {person}",
    "has an afterword by {person}",
    "comes with {notes} notes by {person}",
    "adds a chronology of the author’s life",
    "adds a glossary of rare words",
    "lists names and where they appear",
    "closes with suggestions for further reading",
)
_TYPEFACES = ("Baskerville", "Bodoni", "Caslon", "Garamond", "Janson", "Walbaum")
_VERDICTS = (
    "{person}, who edited it, calls it the book to begin with.",
    "“Shorter than its reputation”, says {person}, its editor.",
    "{person} prepared the text from {copies} early copies.",
    "Reading groups will find {questions} questions for discussion at the end.",
    "A note on the text, by {person}, explains what earlier editions left out.",
)


def edition_subtitle(work: Work, chance: Chance) -> str | None:
    """Mostly the work's own, else sometimes what sets this edition apart, in its language."""
    if work.subtitle and chance.random() < 0.7:
        return work.subtitle
    choices = _EDITION_SUBTITLES.get(work.language)
    if choices and chance.random() < 0.3:
        return chance.choice(choices).format(person=_person(chance))
    return None


def blurb(work: Work, book_format: str, publisher: str, chance: Chance) -> str:
    """Two or three English sentences about the work and this edition of it."""
    sentences = [_opening(work, chance), _about_edition(work, book_format, publisher, chance)]
    if chance.random() < 0.5:
        sentences.append(_verdict(chance))
    return " ".join(sentences)


def _opening(work: Work, chance: Chance) -> str:
    return chance.choice(_OPENINGS).format(
        title=work.title,
        author=work.author.name,
        origin=_origin(work.year),
        merit=chance.choice(_merits(work.subjects[0].code)),
    )


def _about_edition(work: Work, book_format: str, publisher: str, chance: Chance) -> str:
    if book_format == BookFormat.AUDIOBOOK:
        hours, minutes = divmod(work.pages * 2 + chance.randint(0, 44), 60)
        return f"{_person(chance)} reads it for {publisher} in {hours} h {minutes:02} min."
    features = f"{chance.choice(_TEXTS)} and {chance.choice(_EXTRAS)}".format(
        person=_person(chance),
        notes=chance.randint(40, 400),
        typeface=chance.choice(_TYPEFACES),
    )
    return f"This {chance.choice(_BINDINGS[book_format])} from {publisher} {features}."


def _verdict(chance: Chance) -> str:
    return chance.choice(_VERDICTS).format(
        person=_person(chance), copies=chance.randint(3, 12), questions=chance.randint(8, 30)
    )


def _merits(code: str) -> tuple[str, ...]:
    return _MERITS.get(code[:2]) or _MERITS.get(code[0]) or _MERITS[""]


def _origin(year: int) -> str:
    if year < 0:
        return f"written about {-year} BC"
    if year < 1000:
        return f"written about AD {year}"
    if year < 1455:  # Gutenberg's Bible
        return f"written about {year}"
    return f"first published in {year}"


def _person(chance: Chance) -> str:
    return f"{chance.choice(_GIVEN_NAMES)} {chance.choice(_FAMILY_NAMES)}"
