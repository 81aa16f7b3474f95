"""A shop of 50,000 books beside one of 5,000: what shows only in numbers, such as query plans."""

from __future__ import annotations

import time
from collections.abc import Sequence

from django.db import connection

from shelfwise.tenancy.models import Tenant

BOOKS = 50_000

# Values repeat as they do in real catalogues: a few authors wrote much and most little, a tenth of
# the books has no price, a hundredth is deleted. `share` spreads evenly over 0 to 1.
_LOAD = """
INSERT INTO catalog_author (id, tenant_id, name, sort_name)
SELECT gen_random_uuid(), %(tenant)s, 'Author ' || n, 'author ' || n
FROM generate_series(1, %(books)s / 10) n;

INSERT INTO catalog_publisher (id, tenant_id, name, sort_name)
SELECT gen_random_uuid(), %(tenant)s, 'Publisher ' || n, 'publisher ' || n
FROM generate_series(1, %(books)s / 100) n;

INSERT INTO catalog_category (id, tenant_id, scheme, code, name)
SELECT gen_random_uuid(), %(tenant)s, 'thema', 'C' || n, 'Subject ' || n
FROM generate_series(1, 100) n;

INSERT INTO catalog_book (
    id, tenant_id, title, sort_title, isbn, price, author_id, publisher_id, published_on,
    language, format, description, updated_at, deleted_at
)
SELECT
    gen_random_uuid(), %(tenant)s, 'Title ' || code, 'title ' || substr(code, 1, 4),
    '978' || lpad(n::text, 10, '0'),
    CASE WHEN n %% 10 > 0 THEN (n * 37 %% 9000) / 100.0 END,
    author.id, publisher.id,
    CASE n %% 5 WHEN 0 THEN NULL WHEN 1 THEN (1900 + n %% 120)::text
                ELSE (1900 + n %% 120) || '-' || lpad((1 + n %% 12)::text, 2, '0') END,
    (ARRAY['ger', 'eng', 'fre'])[1 + n %% 3], (ARRAY['hardback', 'ebook'])[1 + n %% 2],
    repeat(code, 10), timestamptz '2026-01-01Z' + n * interval '1 minute',
    CASE WHEN n %% 100 = 50 THEN now() END
FROM (
    SELECT n, md5(n::text) AS code, (n * 7919 %% 10007) / 10007.0 AS share
    FROM generate_series(1, %(books)s) n
) draft
JOIN catalog_author author ON author.tenant_id = %(tenant)s
    AND author.name = 'Author ' || 1 + floor(%(books)s / 10 * share * share)
JOIN catalog_publisher publisher ON publisher.tenant_id = %(tenant)s
    AND publisher.name = 'Publisher ' || 1 + floor(%(books)s / 100 * share * share);

INSERT INTO catalog_bookcategory (tenant_id, book_id, category_id)
SELECT %(tenant)s, book.id, category.id
FROM (
    SELECT id, (substr(isbn, 4)::int * 7919 %% 10007) / 10007.0 AS share
    FROM catalog_book WHERE tenant_id = %(tenant)s
) book
JOIN catalog_category category ON category.tenant_id = %(tenant)s
    AND category.code = 'C' || 1 + floor(100 * share * share * share);

INSERT INTO catalog_stock (tenant_id, book_id, on_hand, reserved)
SELECT tenant_id, id, 10, 0 FROM catalog_book
WHERE tenant_id = %(tenant)s AND substr(isbn, 4)::int %% 5 = 0;
"""
_TABLES = (
    "catalog_author",
    "catalog_publisher",
    "catalog_category",
    "catalog_book",
    "catalog_bookcategory",
    "catalog_stock",
    "catalog_stockmovement",
    "catalog_searchdocument",
    "catalog_searchword",
)
_LONGEST_WAIT_SECONDS = 20


def load(tenant: Tenant, *, books: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_LOAD, {"tenant": tenant.id, "books": books})


def vacuum(tables: Sequence[str] = _TABLES) -> None:
    """Fresh statistics, and the visibility map that an Index Only Scan needs.

    Once is not enough while another transaction began before the load ended: autovacuum's own
    ANALYZE is one.
    """
    deadline = time.monotonic() + _LONGEST_WAIT_SECONDS
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute(f"VACUUM (ANALYZE) {', '.join(tables)}")
            cursor.execute(
                # The last pages of a table may be there for rows to come.
                "SELECT bool_and(relallvisible >= 0.9 * relpages) FROM pg_class "
                "WHERE relname = ANY(%s)",
                [list(tables)],
            )
            if cursor.fetchone() == (True,):
                return
        time.sleep(0.1)
    raise TimeoutError("A transaction that began before the load has not ended.")
