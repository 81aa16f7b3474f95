"""The ledger of the stock: a movement for each change of `on_hand`, written by the database.

So the movements of a book add up to its `on_hand`, whoever writes: a request, an import, the admin,
SQL by hand. What was there before becomes each book's opening movement.
"""

import django.db.models.deletion
from django.db import migrations, models

import shelfwise.db

_RECORD = """
CREATE FUNCTION catalog_movement_reason() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT coalesce(nullif(current_setting('shelfwise.reason', true), ''), 'unexplained')
$$;

CREATE FUNCTION catalog_movement_actor() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT coalesce(
        nullif(current_setting('shelfwise.actor', true), ''), 'database:' || session_user
    )
$$;

CREATE FUNCTION catalog_record_opening() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO catalog_stockmovement (tenant_id, book_id, delta, reason, actor, created_at)
    SELECT tenant_id, book_id, on_hand, catalog_movement_reason(), catalog_movement_actor(),
        updated_at
    FROM opened WHERE on_hand <> 0;
    RETURN NULL;
END $$;

CREATE FUNCTION catalog_record_movement() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO catalog_stockmovement (tenant_id, book_id, delta, reason, actor, created_at)
    VALUES (
        OLD.tenant_id, OLD.book_id,
        CASE TG_OP WHEN 'DELETE' THEN 0 ELSE NEW.on_hand END - OLD.on_hand,
        catalog_movement_reason(), catalog_movement_actor(), clock_timestamp()
    );
    RETURN NULL;
END $$;

CREATE FUNCTION catalog_refuse_movement() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' AND pg_trigger_depth() > 1 THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'Stock movements are written by changes of catalog_stock only.'
        USING ERRCODE = 'integrity_constraint_violation';
END $$;

-- Both tables emptied at once add up as well.
CREATE FUNCTION catalog_refuse_half_emptied() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM catalog_stock WHERE on_hand <> 0)
        OR EXISTS (SELECT FROM catalog_stockmovement)
    THEN
        RAISE EXCEPTION 'Stock and its movements are truncated together or not at all.'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION catalog_refuse_stock_of_another_book() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'The stock of one book can''t become that of another.'
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
"""
_FORGET = """
DROP FUNCTION catalog_refuse_stock_of_another_book();
DROP FUNCTION catalog_refuse_half_emptied();
DROP FUNCTION catalog_refuse_movement();
DROP FUNCTION catalog_record_movement();
DROP FUNCTION catalog_record_opening();
DROP FUNCTION catalog_movement_actor();
DROP FUNCTION catalog_movement_reason();
"""

# Until the triggers below are there, nobody may change the stock: it would be in no movement. Books
# first, as writers do: the constraint on the movements locks them too.
_HOLD = "LOCK TABLE catalog_book, catalog_stock IN SHARE ROW EXCLUSIVE MODE"

_OPENING = """
INSERT INTO catalog_stockmovement (tenant_id, book_id, delta, reason, actor, created_at)
SELECT tenant_id, book_id, on_hand, 'opening balance', 'migration', updated_at
FROM catalog_stock WHERE on_hand <> 0;
"""

# Orders reserve many times for each time that on_hand moves: the condition keeps those updates free
# of the trigger. Loads insert thousands of rows at once: one statement records them all.
_TRIGGERS = """
CREATE TRIGGER record_opening AFTER INSERT ON catalog_stock
    REFERENCING NEW TABLE AS opened
    FOR EACH STATEMENT EXECUTE FUNCTION catalog_record_opening();
CREATE TRIGGER record_movement AFTER UPDATE ON catalog_stock
    FOR EACH ROW WHEN (OLD.on_hand <> NEW.on_hand) EXECUTE FUNCTION catalog_record_movement();
CREATE TRIGGER record_end AFTER DELETE ON catalog_stock
    FOR EACH ROW WHEN (OLD.on_hand <> 0) EXECUTE FUNCTION catalog_record_movement();
CREATE TRIGGER refuse_another_book BEFORE UPDATE OF book_id ON catalog_stock
    FOR EACH ROW WHEN (OLD.book_id <> NEW.book_id)
    EXECUTE FUNCTION catalog_refuse_stock_of_another_book();
CREATE TRIGGER refuse BEFORE INSERT OR UPDATE OR DELETE ON catalog_stockmovement
    FOR EACH ROW EXECUTE FUNCTION catalog_refuse_movement();
CREATE TRIGGER refuse_half_emptied AFTER TRUNCATE ON catalog_stock
    FOR EACH STATEMENT EXECUTE FUNCTION catalog_refuse_half_emptied();
CREATE TRIGGER refuse_half_emptied AFTER TRUNCATE ON catalog_stockmovement
    FOR EACH STATEMENT EXECUTE FUNCTION catalog_refuse_half_emptied();
"""
_NO_TRIGGERS = """
DROP TRIGGER refuse_half_emptied ON catalog_stockmovement;
DROP TRIGGER refuse_half_emptied ON catalog_stock;
DROP TRIGGER refuse ON catalog_stockmovement;
DROP TRIGGER refuse_another_book ON catalog_stock;
DROP TRIGGER record_end ON catalog_stock;
DROP TRIGGER record_movement ON catalog_stock;
DROP TRIGGER record_opening ON catalog_stock;
"""


class Migration(migrations.Migration):
    dependencies = [("catalog", "0004_change_times"), ("tenancy", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="StockMovement",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("delta", models.IntegerField(editable=False)),
                ("reason", models.CharField(editable=False, max_length=200)),
                ("actor", models.CharField(editable=False, max_length=200)),
                ("created_at", models.DateTimeField(editable=False)),
                (
                    "tenant",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tenancy.tenant",
                    ),
                ),
                (
                    "book",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="movements",
                        to="catalog.book",
                    ),
                ),
            ],
            options={"abstract": False, "base_manager_name": "objects"},
        ),
        migrations.AddConstraint(
            model_name="stockmovement",
            constraint=models.CheckConstraint(
                condition=models.Q(("delta", 0), _negated=True),
                name="stockmovement_delta_not_zero",
            ),
        ),
        # Checked at once, else the table can't be altered below in this transaction.
        migrations.RunSQL("SET CONSTRAINTS ALL IMMEDIATE", migrations.RunSQL.noop),
        migrations.RunSQL(_HOLD, migrations.RunSQL.noop),
        migrations.RunSQL(_OPENING, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="stockmovement",
            constraint=shelfwise.db.TenantForeignKey(
                field="book", name="stockmovement_book_of_tenant"
            ),
        ),
        migrations.AddIndex(
            model_name="stockmovement",
            index=models.Index(fields=["tenant", "book", "id"], name="stockmovement_of_book"),
        ),
        migrations.RunSQL(_RECORD, _FORGET),
        migrations.RunSQL(_TRIGGERS, _NO_TRIGGERS),
    ]
