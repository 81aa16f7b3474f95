"""Makes the demo's rows: for the same slug and size the same ones, ids included, on any machine.

Rows are made as they are asked for, so memory does not grow with the size.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import accumulate, islice
from typing import Generic, NamedTuple, TypeVar
from uuid import UUID

from catalog.demo.chance import Chance
from catalog.demo.sources import Name, Publisher, Subject, Work, publishers_in, shelves, works
from catalog.demo.wording import blurb, edition_subtitle
from catalog.models import BookFormat

FIRST_DELIVERY = datetime(2024, 1, 1, tzinfo=UTC)
LAST_CHANGE = datetime(2026, 1, 1, tzinfo=UTC)
MOST_BOOKS = 10_000_000
"""Far below what the invented ISBNs allow: a million for each of a language's publishers."""

_DELIVERY = 20
_SECONDS = int((LAST_CHANGE - FIRST_DELIVERY).total_seconds())
_ISBN_ITEMS = 1_000_000
# Odd and no multiple of 5, so counting in steps of it meets each of the million items once.
_ISBN_STEP = 618_033

# Drawn from evenly: how often an entry stands there is how likely it is.
_FORMATS = (
    [BookFormat.PAPERBACK.value] * 48
    + [BookFormat.HARDBACK.value] * 22
    + [BookFormat.EBOOK.value] * 20
    + [BookFormat.AUDIOBOOK.value] * 8
    + [BookFormat.OTHER.value] * 2
)
_DATE_LENGTHS = [10] * 60 + [7] * 15 + [4] * 22 + [0] * 3
_CENTS = ("99", "99", "99", "95", "50", "50", "00", "00")
_WHOLE_PRICES: dict[str, tuple[int, int]] = {
    BookFormat.HARDBACK: (14, 48),
    BookFormat.PAPERBACK: (5, 19),
    BookFormat.EBOOK: (1, 12),
    BookFormat.AUDIOBOOK: (9, 29),
    BookFormat.OTHER: (12, 80),
}
_OLDEST_IN_YEARS: dict[str, int] = {BookFormat.EBOOK: 16, BookFormat.AUDIOBOOK: 25}

_Source = TypeVar("_Source", Name, Subject)


class Record(NamedTuple, Generic[_Source]):
    """An author, publisher or category of the tenant."""

    id: UUID
    source: _Source
    created_at: datetime


class BookRow(NamedTuple):
    """The columns of a book, its tenant aside."""

    id: UUID
    title: str
    sort_title: str
    subtitle: str | None
    isbn: str | None
    reference: str | None
    price: Decimal | None
    author_id: UUID
    publisher_id: UUID
    published_on: str | None
    language: str
    format: str
    description: str
    page_count: int | None
    created_at: datetime
    updated_at: datetime


class Edition(NamedTuple):
    """A book with its categories and its stock, which was last counted at `counted_at`."""

    book: BookRow
    category_ids: tuple[UUID, ...]
    on_hand: int
    counted_at: datetime


class Batch(NamedTuple):
    """Some editions, and the records that they are the first to refer to."""

    authors: list[Record[Name]]
    publishers: list[Record[Name]]
    categories: list[Record[Subject]]
    editions: list[Edition]


def batches(slug: str, size: int, *, batch_size: int = 2_500) -> Iterator[Batch]:
    """The catalogue of the tenant `slug`, `size` books large, in order of delivery.

    How the books are cut into batches changes none of them.
    """
    catalogue = _Catalogue(slug, size)
    editions = catalogue.editions()
    while chunk := list(islice(editions, batch_size)):
        yield Batch(
            catalogue.authors.take_new(),
            catalogue.publishers.take_new(),
            catalogue.categories.take_new(),
            chunk,
        )


class _Register(Generic[_Source]):
    """Records that editions refer to, each made when an edition first needs it."""

    def __init__(self, chance: Chance) -> None:
        self._chance = chance
        self._ids: dict[_Source, UUID] = {}
        self._new: list[Record[_Source]] = []

    def id_of(self, source: _Source, moment: datetime) -> UUID:
        if source not in self._ids:
            self._ids[source] = _uuid7(moment, self._chance)
            self._new.append(Record(self._ids[source], source, moment))
        return self._ids[source]

    def take_new(self) -> list[Record[_Source]]:
        new, self._new = self._new, []
        return new


class _Catalogue:
    """The state of one catalogue while it is made."""

    def __init__(self, slug: str, size: int) -> None:
        self._size = size
        self._chance = Chance(f"editions/{slug}/{size}")
        # Apart, so that a version with other works or words still knows an older one's load by its
        # book ids.
        self._id_chance = Chance(f"ids/{slug}/{size}")
        self._isbn_items = defaultdict[int, int](lambda: self._chance.randint(0, _ISBN_ITEMS - 1))
        self.authors = _Register[Name](self._chance)
        self.publishers = _Register[Name](self._chance)
        self.categories = _Register[Subject](self._chance)

    def editions(self) -> Iterator[Edition]:
        # Each shop has bestsellers of its own: hundreds of editions in 50,000 books, where the
        # least wanted works have ten.
        shelf = self._chance.sample(works(), len(works()))
        demand = list(accumulate(1 / (50 + rank) for rank in range(len(shelf))))
        for position in range(self._size):
            (work,) = self._chance.choices(shelf, cum_weights=demand)
            yield self._edition(position, work)

    def _edition(self, position: int, work: Work) -> Edition:
        delivered_at = _delivered_at(position, self._size)
        subjects = _subjects(work, self._chance)
        return Edition(
            self._book(position, work, delivered_at),
            tuple(self.categories.id_of(subject, delivered_at) for subject in subjects),
            _on_hand(self._chance),
            _later(delivered_at, self._chance),
        )

    def _book(self, position: int, work: Work, delivered_at: datetime) -> BookRow:
        chance = self._chance
        publisher = chance.choice(publishers_in(work.language))
        book_format = chance.choice(_FORMATS)
        has_isbn = chance.random() >= 0.01
        has_reference = not has_isbn or chance.random() < 0.3
        return BookRow(
            id=_uuid7(delivered_at, self._id_chance),
            title=work.title,
            sort_title=work.sort_title,
            subtitle=edition_subtitle(work, chance),
            isbn=self._next_isbn(publisher) if has_isbn else None,
            reference=f"REF-{position + 1:07}" if has_reference else None,
            price=_price(book_format, chance),
            author_id=self.authors.id_of(work.author, delivered_at),
            publisher_id=self.publishers.id_of(publisher.name, delivered_at),
            published_on=_published_on(delivered_at, book_format, chance),
            language=work.language,
            format=book_format,
            description=blurb(work, book_format, publisher.name.name, chance),
            page_count=_page_count(work, book_format, chance),
            created_at=delivered_at,
            updated_at=_updated_at(delivered_at, chance),
        )

    def _next_isbn(self, publisher: Publisher) -> str:
        """979-9 is no agency's group (ISBN ranges, 2025), so these belong to nobody."""
        registrant = publisher.registrant
        item = (self._isbn_items[registrant] + _ISBN_STEP) % _ISBN_ITEMS
        self._isbn_items[registrant] = item
        digits = f"9799{registrant:02}{item:06}"
        return f"{digits}{_check_digit(digits)}"


def _check_digit(digits: str) -> int:
    """Of an ISBN-13's first twelve (ISO 2108: weights 1 and 3 in turn)."""
    total = sum(map(int, digits[::2])) + 3 * sum(map(int, digits[1::2]))
    return -total % 10


def _subjects(work: Work, chance: Chance) -> tuple[Subject, ...]:
    """The work's own, and sometimes a shelf of the shop's: three at most."""
    if len(work.subjects) < 3 and chance.random() < 0.2:
        return (*work.subjects, chance.choice(shelves()))
    return work.subjects


def _uuid7(moment: datetime, chance: Chance) -> UUID:
    """RFC 9562, section 5.7, with the 74 random bits drawn from `chance`."""
    milliseconds = int(moment.timestamp()) * 1000
    bits = chance.getrandbits(74)
    return UUID(
        int=milliseconds << 80 | 0x7 << 76 | bits >> 62 << 64 | 0b10 << 62 | bits & (1 << 62) - 1
    )


def _delivered_at(position: int, size: int) -> datetime:
    """Deliveries of twenty, evenly over the two years: books of one share their time."""
    first_of_delivery = position - position % _DELIVERY
    return FIRST_DELIVERY + timedelta(seconds=_SECONDS * first_of_delivery // size)


def _updated_at(delivered_at: datetime, chance: Chance) -> datetime:
    """Nearly half the books changed with some nightly price file, so that many share a time."""
    nights = (LAST_CHANGE - delivered_at).days
    if not nights or chance.random() < 0.55:
        return delivered_at
    day = delivered_at + timedelta(days=chance.randint(1, nights))
    return day.replace(hour=0, minute=0, second=0)


def _later(moment: datetime, chance: Chance) -> datetime:
    seconds = int((LAST_CHANGE - moment).total_seconds() * chance.random())
    return moment + timedelta(seconds=seconds)


def _published_on(delivered_at: datetime, book_format: str, chance: Chance) -> str | None:
    """Mostly of the last years, never before 1950; as precise as it is known, 3 % unknown."""
    oldest = 365 * _OLDEST_IN_YEARS.get(book_format, 73)
    age = int(oldest * chance.random() ** 3)
    day = date.fromordinal(delivered_at.toordinal() - age).isoformat()
    return day[: chance.choice(_DATE_LENGTHS)] or None


def _price(book_format: str, chance: Chance) -> Decimal | None:
    """In the tenant's currency; 2 % are not for sale."""
    if chance.random() < 0.02:
        return None
    whole = chance.randint(*_WHOLE_PRICES[book_format])
    return Decimal(f"{whole}.{chance.choice(_CENTS)}")


def _page_count(work: Work, book_format: str, chance: Chance) -> int | None:
    if book_format == BookFormat.AUDIOBOOK:
        return None
    return int(work.pages * chance.uniform(0.85, 1.25))


def _on_hand(chance: Chance) -> int:
    """0 to 500 copies, mostly few; 8 % are out of stock."""
    return 0 if chance.random() < 0.08 else 1 + int(500 * chance.random() ** 4)
