"""What a book refers to, found or made and held until the change is over.

Whoever writes books locks in this order: author, publisher, book (several books by id), category.
Renaming a party locks its books after it, so that no two changes wait for each other in a ring.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from catalog.models import Author, Book, BookCategory, Party, Publisher
from catalog.refusals import UnknownReference
from catalog.sorting import sort_key
from shelfwise.ids import uuid7
from shelfwise.tenancy.announcing import announce
from shelfwise.tenancy.scope import current_tenant

PARTIES: Mapping[str, type[Author] | type[Publisher]] = {"author": Author, "publisher": Publisher}

_MAKE = """
INSERT INTO {table} (id, tenant_id, name, sort_name) VALUES (%s, %s, %s, %s)
ON CONFLICT (tenant_id, name) WHERE deleted_at IS NULL DO NOTHING RETURNING id
"""

# A category is held like a party: one that is deleted meanwhile is unknown, and one that is found
# here stays until this transaction is over.
_FILE_UNDER = """
WITH held AS MATERIALIZED (
    SELECT id FROM catalog_category
    WHERE tenant_id = %(tenant)s AND id = ANY(%(categories)s) AND deleted_at IS NULL
    ORDER BY id FOR SHARE
), removed AS (
    DELETE FROM catalog_bookcategory
    WHERE tenant_id = %(tenant)s AND book_id = %(book)s AND category_id <> ALL(%(categories)s)
    RETURNING category_id
), added AS (
    INSERT INTO catalog_bookcategory (tenant_id, book_id, category_id)
    SELECT %(tenant)s, %(book)s, id FROM held
    ON CONFLICT DO NOTHING RETURNING category_id
)
SELECT ARRAY(SELECT id FROM held),
    EXISTS (SELECT FROM removed) OR EXISTS (SELECT FROM added)
"""


def hold(rows: QuerySet[Any, Any]) -> list[tuple[Any, ...]]:
    """The rows, locked FOR SHARE: nobody changes or deletes them before this transaction ends.

    Others may hold them at the same time. Django's `select_for_update` knows no such lock, and with
    its own all who write books of one publisher would queue. One query.
    """
    sql, parameters = rows.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"{sql} FOR SHARE", parameters)
        held: list[tuple[Any, ...]] = cursor.fetchall()
        return held


def hold_parties(fields: Mapping[str, Any], *, beside: Book | None = None) -> dict[str, Any]:
    """`author_id` and `publisher_id` as `fields` name them, by id or by name.

    A name that nobody has is made. With `beside`, the party of that book is held where `fields`
    name none. One query for each id, one or two for each name. Raises UnknownReference.
    """
    found: dict[str, Any] = {}
    for kind, model in PARTIES.items():
        key, name = f"{kind}_id", fields.get(f"{kind}_name")
        if name is not None:
            found[key] = find_or_make(model, name=name)
        elif key in fields or f"{kind}_name" in fields:
            found[key] = _hold_party(model, key, fields.get(key))
        elif beside is not None and getattr(beside, key):
            hold(model.objects.filter(id=getattr(beside, key)).values_list("id"))
    return found


def _hold_party(model: type[Party], field: str, party_id: UUID | None) -> UUID | None:
    if party_id and not hold(model.objects.living().filter(id=party_id).values_list("id")):
        raise UnknownReference(field)
    return party_id


def find_or_make(model: type[Party], *, name: str) -> UUID:
    """The id of the living party of this name, held. One query when it is new, two when it is not.

    Of two transactions that make the same name at once, the second waits and finds the first's.
    """
    make = _MAKE.format(table=connection.ops.quote_name(model._meta.db_table))
    while True:  # again only when the party is deleted between the two queries
        with connection.cursor() as cursor:
            cursor.execute(make, [uuid7(), current_tenant(), name, sort_key(name)])
            found = cursor.fetchall()
        if found:
            announce(model)
        found = found or hold(model.objects.living().filter(name=name).values_list("id"))
        if found:
            party_id: UUID = found[0][0]
            return party_id


def file_under(*, book_id: UUID, category_ids: Sequence[UUID]) -> bool:
    """Puts the book in these categories and in no others; whether that changed anything.

    One query, whatever their number. Raises UnknownReference with the positions of those that the
    tenant does not have.
    """
    values: dict[str, Any] = {
        "tenant": current_tenant(),
        "book": book_id,
        "categories": list(category_ids),
    }
    with connection.cursor() as cursor:
        cursor.execute(_FILE_UNDER, values)
        held, changed = cursor.fetchone()
    unknown = [place for place, each in enumerate(category_ids) if each not in set(held)]
    if unknown:
        raise UnknownReference("category_ids", unknown)
    if changed:
        announce(BookCategory)
    return bool(changed)
