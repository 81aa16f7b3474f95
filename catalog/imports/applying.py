"""Applies the judged rows: authors, publishers, books and stock, made and changed set-wise, so that
the number of statements does not depend on the number of rows (but for `_refile`'s).

What the file has no column for stays as it is; an empty cell empties the field, but an ISBN or
reference is never taken away.
"""

from collections.abc import Collection, Mapping

from catalog.copying import analyze_new_table
from catalog.imports.statements import rows, run
from catalog.models import Author, Book, Publisher
from catalog.sorting import sort_key

# The book's columns for the fields of a file, as SQL over import_target `row` and catalog_book
# `book`: what the row wants there.
_WANTED = {
    "title": {"title": "row.title"},
    "subtitle": {"subtitle": "row.subtitle"},
    "isbn": {"isbn": "coalesce(row.isbn, book.isbn)"},
    "reference": {"reference": "coalesce(row.reference, book.reference)"},
    "price": {"price": "row.price::numeric(12, 2)"},
    "author": {"author_id": "author.id"},
    "publisher": {"publisher_id": "publisher.id"},
    "published_on": {"published_on": "row.published_on"},
    "language": {"language": "row.language"},
    "format": {"format": "row.format"},
    "description": {"description": "row.description"},
    "page_count": {"page_count": "row.page_count::integer"},
}

# Each name once, with the author or publisher that has it or is to have it. Looked up before any
# is made: looked up after, 9,000 new authors of a new tenant took 13 s.
_FIND_PARTIES = """
CREATE TEMPORARY TABLE import_{party} ON COMMIT DROP AS
SELECT row.*, coalesce(held.id, catalog_uuid7()) AS id, held.id IS NULL AS is_new
FROM (
    SELECT {party} AS name, min(sort_{party}) AS sort_name
    FROM import_book WHERE {party} IS NOT NULL GROUP BY {party}
) row
LEFT JOIN LATERAL (
    SELECT id FROM catalog_{party} WHERE tenant_id = %(tenant)s
        AND name = row.name AND deleted_at IS NULL OFFSET 0
) held ON true
"""

# In the order of names, so that two writers who bring the same names don't wait in a ring. The
# answer: how many names somebody else took meanwhile.
_MAKE_PARTIES = """
WITH made AS (
    INSERT INTO catalog_{party} (id, tenant_id, name, sort_name)
    SELECT id, %(tenant)s, name, sort_name FROM import_{party} WHERE is_new ORDER BY name
    ON CONFLICT (tenant_id, name) WHERE deleted_at IS NULL DO NOTHING
    RETURNING 1
)
SELECT (SELECT count(*) FROM import_{party} WHERE is_new) - (SELECT count(*) FROM made)
"""
_FIND_TAKEN = """
UPDATE import_{party} row SET id = (
    SELECT id FROM catalog_{party} WHERE tenant_id = %(tenant)s
        AND name = row.name AND deleted_at IS NULL
) WHERE is_new RETURNING id
"""

_COMPARE = """
CREATE TEMPORARY TABLE import_target ON COMMIT DROP AS
SELECT row.line, row.book_id, row.new_id, {wanted},
    row.sort_title, book.author_id AS old_author_id, book.publisher_id AS old_publisher_id
FROM import_book row
LEFT JOIN catalog_book book ON book.id = row.book_id
{parties}
WHERE book.id IS NULL OR ({held}) IS DISTINCT FROM ({wanted_values})
"""

# Whoever writes books locks author, publisher, book in this order, each by id. The answer: how many
# that books are to get have gone meanwhile.
_HOLD_PARTIES = """
SELECT count(deleted_at) FILTER (WHERE id IN (
    SELECT {party}_id FROM import_target WHERE {party}_id IS DISTINCT FROM old_{party}_id
)) FROM (
    SELECT id, deleted_at FROM catalog_{party} WHERE id IN (
        SELECT {party}_id FROM import_target UNION SELECT old_{party}_id FROM import_target
    ) ORDER BY id FOR SHARE
) held
"""
_LOCK_BOOKS = """
SELECT count(*), (SELECT count(book_id) FROM import_target) FROM (
    SELECT FROM catalog_book
    WHERE id IN (SELECT book_id FROM import_target) AND deleted_at IS NULL
    ORDER BY id FOR NO KEY UPDATE
) locked
"""

_CHANGE = """
WITH changed AS (
    UPDATE catalog_book book SET {assignments},
        sort_title = CASE WHEN book.title <> target.title
            OR book.language IS DISTINCT FROM {language}
            THEN target.sort_title ELSE book.sort_title END
    FROM import_target target WHERE target.book_id = book.id
    RETURNING book.id
)
INSERT INTO import_changed (book_id) SELECT id FROM changed
"""

_CREATE = """
INSERT INTO catalog_book (id, tenant_id, sort_title, {columns})
SELECT new_id, %(tenant)s, sort_title, {columns} FROM import_target
WHERE book_id IS NULL AND line {side} %(line)s ORDER BY line
"""

_STOCK = """
WITH changed AS (
    INSERT INTO catalog_stock (tenant_id, book_id, on_hand, reserved)
    SELECT %(tenant)s, coalesce(row.book_id, row.new_id), row.on_hand::integer, 0
    FROM import_book row LEFT JOIN catalog_stock held ON held.book_id = row.book_id
    WHERE row.on_hand IS NOT NULL AND held.on_hand IS DISTINCT FROM row.on_hand::integer
    ORDER BY 2
    ON CONFLICT (book_id) DO UPDATE SET on_hand = EXCLUDED.on_hand
    RETURNING book_id
)
INSERT INTO import_changed (book_id) SELECT book_id FROM changed
"""

# A thousand at a time.
_RETITLED = """
SELECT target.line, target.title, book.language
FROM import_target target JOIN catalog_book book ON book.id = target.book_id
WHERE target.line > %(line)s AND book.language IS NOT NULL AND book.title <> target.title
ORDER BY target.line LIMIT 1000
"""


class Outrun(Exception):
    """Somebody deleted a book meanwhile that the file changes, or its author or publisher. Judging
    again settles it.
    """


def apply(fields: Collection[str]) -> None:
    """Makes and changes books, their authors, publishers and stock. Raises Outrun."""
    for party, model in (("author", Author), ("publisher", Publisher)):
        if party in fields:
            run(_FIND_PARTIES.format(party=party))
            _make_parties(party)
            analyze_new_table(model)
    # Author and publisher are always there, so that the statements below need not ask.
    unspoken = {"author_id": "book.author_id", "publisher_id": "book.publisher_id"}
    columns = {**unspoken, **_columns(fields)}
    run(
        _COMPARE.format(
            wanted=", ".join(f"{wanted} AS {column}" for column, wanted in columns.items()),
            held=", ".join(f"book.{column}" for column in columns),
            wanted_values=", ".join(columns.values()),
            parties=" ".join(
                f"LEFT JOIN import_{party} {party} ON {party}.name = row.{party}"
                for party in ("author", "publisher")
                if party in fields
            ),
        )
    )
    run("ANALYZE import_target (line, book_id, author_id, publisher_id)")
    _change(fields, columns)
    _create(columns)
    if "on_hand" in fields:
        run(_STOCK)


def _make_parties(party: str) -> None:
    """Those that nobody had when they were looked up."""
    ((taken,),) = rows(_MAKE_PARTIES.format(party=party))
    if taken and (None,) in rows(_FIND_TAKEN.format(party=party)):
        raise Outrun


def _columns(fields: Collection[str]) -> dict[str, str]:
    """Of catalog_book, those that the file speaks of."""
    columns: dict[str, str] = {}
    for field, wanted in _WANTED.items():
        if field in fields:
            columns.update(wanted)
    return columns


def _change(fields: Collection[str], columns: Mapping[str, str]) -> None:
    for party in ("author", "publisher"):
        ((gone,),) = rows(_HOLD_PARTIES.format(party=party))
        if gone:
            raise Outrun
    ((locked, meant),) = rows(_LOCK_BOOKS)
    if locked < meant:
        raise Outrun
    if not meant:
        return
    if "language" not in fields:
        _refile()
    language = "target.language" if "language" in fields else "book.language"
    assignments = ", ".join(f"{column} = target.{column}" for column in _columns(fields))
    run(_CHANGE.format(assignments=assignments, language=language))


def _refile() -> None:
    """Sort keys of new titles of books whose language the file does not tell."""
    line = 0
    while some := rows(_RETITLED, line=line):
        line = some[-1][0]
        run(
            "UPDATE import_target SET sort_title = filed.key"
            " FROM unnest(%(lines)s::integer[], %(keys)s::text[]) AS filed (line, key)"
            " WHERE filed.line = import_target.line",
            lines=[line for line, _, _ in some],
            keys=[sort_key(title, language) for _, title, language in some],
        )


def _create(columns: Mapping[str, str]) -> None:
    """In two parts where the table is new: without statistics PostgreSQL checks the references to
    each book by reading all of the tenant's (`analyze_new_table`).
    """
    create = _CREATE.format(columns=", ".join(columns), side="{side}")
    ((middle,),) = rows(
        "SELECT max(line) FROM (SELECT line FROM import_target WHERE book_id IS NULL"
        " ORDER BY line LIMIT 1000) first"
    )
    if middle is None:
        return
    run(create.format(side="<="), line=middle)
    analyze_new_table(Book)
    run(create.format(side=">"), line=middle)
