"""Keeps the statistics and the visibility map of the hot tables fresh.

With PostgreSQL's defaults a table of 1,000,000 rows waits for 200,000 dead rows before it is
vacuumed, and an Index Only Scan reads the heap for every page that changed since. Stock rows change
with each order, so their pages keep room for the new version (fillfactor) and no index moves.
"""

from django.db import migrations

_HOT = "autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02"
_NAMES = "autovacuum_vacuum_scale_factor, autovacuum_analyze_scale_factor, autovacuum_vacuum_insert_scale_factor"


class Migration(migrations.Migration):
    dependencies = [("catalog", "0002_indexes")]

    operations = [
        *(
            migrations.RunSQL(
                f"ALTER TABLE {table} SET ({_HOT})", f"ALTER TABLE {table} RESET ({_NAMES})"
            )
            for table in ("catalog_book", "catalog_bookcategory", "catalog_stock")
        ),
        migrations.RunSQL(
            "ALTER TABLE catalog_stock SET (fillfactor = 80)",
            "ALTER TABLE catalog_stock RESET (fillfactor)",
        ),
    ]
