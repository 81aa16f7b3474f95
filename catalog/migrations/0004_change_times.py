"""Stamps every change, and tells readers up to which moment all changes can be seen.

A transaction that began early may commit late: whoever asks "what changed since the last time that
I saw?" would miss it. So each writer announces itself before it takes its time stamp (a shared
advisory lock of the tenant, which waits for nobody), and `catalog_settled_until` names the moment
before the oldest announced writer began. Rows stamped earlier are all there to be seen; a list by
`updated_at` ends at that moment. It first gives writers that are underway a quarter of a second to
finish, which all but imports do, so that a client finds what it has just written.
"""

from django.db import migrations, models

# PostgreSQL evaluates an assigned expression at half the cost of PERFORM, which is a query for each row.
_STAMP = """
CREATE FUNCTION catalog_stamp() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    announced CONSTANT text := pg_advisory_xact_lock_shared(21335, uuid_hash(NEW.tenant_id));
BEGIN
    NEW.updated_at := clock_timestamp();
    RETURN NEW;
END $$;
"""

# pg_stat_activity shows no times of sessions of other database roles; all of ShelfWise uses one. A
# writer of unknown age (it has just ended, or the role is another) holds everything back: looking
# again tells the first case from the second. What one look has settled stays settled.
_SETTLED = """
CREATE FUNCTION catalog_settled_until(tenant uuid) RETURNS timestamptz LANGUAGE plpgsql AS $$
DECLARE
    asked_at CONSTANT timestamptz := clock_timestamp();
    settled timestamptz := '-infinity';
    oldest timestamptz;
BEGIN
    FOR attempt IN 1..50 LOOP
        PERFORM pg_stat_clear_snapshot();
        SELECT min(coalesce(activity.xact_start, '-infinity')) INTO oldest
        FROM pg_locks writer LEFT JOIN pg_stat_activity activity ON activity.pid = writer.pid
        WHERE writer.locktype = 'advisory' AND writer.granted AND writer.objsubid = 2
            AND writer.database = (SELECT oid FROM pg_database WHERE datname = current_database())
            AND writer.classid = 21335
            AND writer.objid = (uuid_hash(tenant)::bigint & 4294967295)::oid
            AND writer.pid IS DISTINCT FROM pg_backend_pid()
            AND (activity.xact_start < asked_at) IS NOT FALSE;
        IF oldest IS NULL THEN
            RETURN asked_at;
        END IF;
        settled := greatest(settled, oldest);
        PERFORM pg_sleep(0.005);
    END LOOP;
    RETURN settled;
END $$;
"""

# GET /stock shows whose copies they are: when that changes, so has what it shows.
_TOUCH_STOCK = """
CREATE FUNCTION catalog_touch_stock() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE catalog_stock SET updated_at = clock_timestamp() WHERE book_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER touch_stock AFTER UPDATE ON catalog_book
    FOR EACH ROW WHEN (
        (OLD.isbn, OLD.reference, OLD.deleted_at)
        IS DISTINCT FROM (NEW.isbn, NEW.reference, NEW.deleted_at)
    )
    EXECUTE FUNCTION catalog_touch_stock();
"""
_LEAVE_STOCK = "DROP TRIGGER touch_stock ON catalog_book; DROP FUNCTION catalog_touch_stock();"

_TABLES = ("catalog_author", "catalog_publisher", "catalog_category", "catalog_book", "catalog_stock")


# A new row keeps a time from before its transaction: a load of old data. A changed one never does:
# whoever saves all that it once read would put the row back to where feeds have passed.
def _stamped(table: str) -> migrations.RunSQL:
    return migrations.RunSQL(
        f"""
        CREATE TRIGGER stamp_new BEFORE INSERT ON {table}
            FOR EACH ROW WHEN (NEW.updated_at >= transaction_timestamp())
            EXECUTE FUNCTION catalog_stamp();
        CREATE TRIGGER stamp_changed BEFORE UPDATE ON {table}
            FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION catalog_stamp();
        """,
        f"DROP TRIGGER stamp_new ON {table}; DROP TRIGGER stamp_changed ON {table};",
    )


class Migration(migrations.Migration):
    dependencies = [("catalog", "0003_autovacuum")]

    operations = [
        migrations.RunSQL(_STAMP, "DROP FUNCTION catalog_stamp()"),
        migrations.RunSQL(_SETTLED, "DROP FUNCTION catalog_settled_until(uuid)"),
        *(_stamped(table) for table in _TABLES),
        migrations.RunSQL(_TOUCH_STOCK, _LEAVE_STOCK),
        # GET /stock?updated_since=…
        migrations.AddIndex(
            model_name="stock",
            index=models.Index(fields=["tenant", "updated_at", "book"], name="stock_sync"),
        ),
    ]
