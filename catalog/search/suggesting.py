"""Suggestions for what somebody is typing: titles, and authors."""

from uuid import UUID

from catalog.sorting import sort_key, sort_keys
from shelfwise.db import CompiledQuery
from shelfwise.tenancy.scope import current_tenant

MOST = 10
_AUTHORS_AT_LEAST = 3
"""Where there are as many."""
_MOST_AUTHORS_READ = 200
_ABOVE_ALL = "\U0010ffff"

# The titles that begin with one of the keys, each title once however many editions it has: from one
# title the index is entered again above it. The authors one of whose names' words begins so, those
# whose first word it is before others.
_SUGGEST = CompiledQuery.written("""
WITH RECURSIVE title AS (
    SELECT * FROM unnest(%(keys)s::text[]) AS key, LATERAL (
        SELECT id, sort_title FROM catalog_book
        WHERE tenant_id = %(tenant)s AND deleted_at IS NULL
            AND sort_title >= key AND sort_title < key || %(above_all)s
        ORDER BY sort_title, id LIMIT 1
    ) first
    UNION ALL
    SELECT * FROM (SELECT key, sort_title AS last FROM title) AS before, LATERAL (
        SELECT id, sort_title FROM catalog_book
        WHERE tenant_id = %(tenant)s AND deleted_at IS NULL
            AND sort_title > last AND sort_title < key || %(above_all)s
        ORDER BY sort_title, id LIMIT 1
    ) next
)
SELECT 1
""")
