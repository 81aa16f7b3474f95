"""Judges the staged rows beside the catalogue, set-wise: the book that each means, and its faults.

A row means the living book that has its ISBN, else the one that has its reference, else a new book.
Of several rows with one ISBN the last counts.
"""

from typing import NamedTuple

from catalog.imports.statements import rows, run

_FAULTS_OF_ROWS = """
INSERT INTO import_fault (line, field, code, value, detail)
SELECT line, fault->>'field', fault->>'code', fault->>'value', fault->>'detail'
FROM import_row, jsonb_array_elements(faults::jsonb) fault WHERE faults IS NOT NULL
"""

# OFFSET 0 has each row look up its own by the unique index. The planner's statistics know nothing
# of a new tenant's rows yet: it would take them for one, and read them all again for each row of
# the file.
_MATCH = """
CREATE TEMPORARY TABLE import_book ON COMMIT DROP AS
SELECT row.*, coalesce(by_isbn.id, by_reference.id) AS book_id, catalog_uuid7() AS new_id,
    by_isbn.id <> by_reference.id AS contradicts,
    CASE WHEN row.reference <> by_isbn.reference THEN by_isbn.reference END AS old_reference,
    CASE WHEN by_isbn.id IS NULL AND row.isbn <> by_reference.isbn THEN by_reference.isbn
        END AS old_isbn
FROM (
    SELECT DISTINCT ON (coalesce(isbn, reference), isbn IS NULL) * FROM import_row
    WHERE faults IS NULL ORDER BY coalesce(isbn, reference), isbn IS NULL, line DESC
) row
LEFT JOIN LATERAL (
    SELECT id, isbn, reference FROM catalog_book WHERE tenant_id = %(tenant)s
        AND isbn = row.isbn AND deleted_at IS NULL OFFSET 0
) by_isbn ON true
LEFT JOIN LATERAL (
    SELECT id, isbn, reference FROM catalog_book WHERE tenant_id = %(tenant)s
        AND reference = row.reference AND deleted_at IS NULL OFFSET 0
) by_reference ON true
"""

# A row that gives a book a new identifier, while another row names the old one, is refused: else
# the other would mean this book the first time, and a new one the second.
_FAULTS_OF_BOOKS = """
INSERT INTO import_fault (line, field, code, value, detail)
SELECT line, 'reference', 'conflict', reference,
    'One book has this ISBN, another one has this reference.'
FROM import_book WHERE contradicts
UNION ALL
SELECT line, 'reference', 'duplicate', reference,
    'An earlier line has this reference with another ISBN, or means the same book.'
FROM (
    SELECT line, reference, contradicts,
        row_number() OVER (PARTITION BY reference ORDER BY line) AS of_reference,
        row_number() OVER (PARTITION BY coalesce(book_id, new_id) ORDER BY line) AS of_book
    FROM import_book
) row
WHERE contradicts IS NOT TRUE AND ((reference IS NOT NULL AND of_reference > 1) OR of_book > 1)
UNION ALL
SELECT line, 'reference', 'conflict', reference,
    'Its book has been ' || old_reference || ', which another line names.'
FROM import_book WHERE old_reference IN (SELECT reference FROM import_book)
UNION ALL
SELECT line, 'isbn', 'conflict', isbn,
    'Its book has been ' || old_isbn || ', which another line names.'
FROM import_book WHERE old_isbn IN (SELECT isbn FROM import_book)
UNION ALL
SELECT row.line, 'on_hand', 'below_reserved', row.on_hand,
    'Orders hold ' || stock.reserved || ' copies.'
FROM import_book row JOIN catalog_stock stock ON stock.book_id = row.book_id
WHERE row.on_hand::integer < stock.reserved
"""

_LEAVE_FAULTY = "DELETE FROM import_book WHERE line IN (SELECT line FROM import_fault)"

# Superseded is what is left of the good rows, once those of books and their faults are taken off.
_COUNT = """
WITH staged AS (
    SELECT count(*) AS rows, count(faults) AS broken FROM import_row
), rejected AS (
    SELECT count(DISTINCT line) AS lines FROM import_fault
), kept AS (
    SELECT count(*) AS books, count(*) FILTER (WHERE book_id IS NULL) AS created FROM import_book
), changed AS (
    SELECT count(DISTINCT changed.book_id) AS books
    FROM import_changed changed JOIN import_book row ON row.book_id = changed.book_id
)
SELECT rows, lines, (rows - broken) - kept.books - (lines - broken), created, changed.books
FROM staged, rejected, kept, changed
"""


class Counts(NamedTuple):
    """Rows of the file. Unchanged ones are those that are neither rejected, created nor updated;
    superseded ones, which a later row of the same ISBN replaces, are among them.
    """

    rows: int
    rejected: int
    superseded: int
    created: int
    updated: int


def judge() -> bool:
    """Finds the book that each row means, and every fault. Whether there is no fault."""
    run(_MATCH)
    run("ANALYZE import_book (line, book_id, author, publisher)")
    run(_FAULTS_OF_BOOKS)
    run(_LEAVE_FAULTY)
    run("CREATE TEMPORARY TABLE import_changed (book_id uuid) ON COMMIT DROP")
    ((faults,),) = rows("SELECT count(*) FROM import_fault")
    return not faults


def take_over_faults() -> None:
    """From the staged rows to the table of faults."""
    run("SET LOCAL work_mem = '64MB'")  # what is sorted and joined here, with a million rows
    run(_FAULTS_OF_ROWS)


def count() -> Counts:
    ((*counts,),) = rows(_COUNT)
    return Counts(*counts)
