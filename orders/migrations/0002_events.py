"""The orders' history, written by the database: whoever changes a status leaves an event.

What was sold stays as it was: lines are not changed, and neither they nor orders deleted. An update
of an order stamps `updated_at`, so that `If-Match` sees changes made by hand too.
"""

from django.db import migrations

_RECORD = """
CREATE FUNCTION orders_stamp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := clock_timestamp();
    RETURN NEW;
END $$;

CREATE FUNCTION orders_record_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO orders_orderevent
        (tenant_id, order_id, old_status, new_status, reason, actor, created_at)
    VALUES (
        NEW.tenant_id, NEW.id, CASE TG_OP WHEN 'UPDATE' THEN OLD.status END, NEW.status,
        catalog_movement_reason(), catalog_movement_actor(), clock_timestamp()
    );
    RETURN NULL;
END $$;

CREATE FUNCTION orders_refuse_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' AND pg_trigger_depth() > 1 THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'Events of orders are written by changes of orders_order only.'
        USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE FUNCTION orders_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'What was ordered stays: orders are cancelled and archived, not deleted.'
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
"""
_FORGET = """
DROP FUNCTION orders_refuse_change();
DROP FUNCTION orders_refuse_event();
DROP FUNCTION orders_record_event();
DROP FUNCTION orders_stamp();
"""

_TRIGGERS = """
CREATE TRIGGER stamp BEFORE UPDATE ON orders_order
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION orders_stamp();
CREATE TRIGGER record_placed AFTER INSERT ON orders_order
    FOR EACH ROW EXECUTE FUNCTION orders_record_event();
CREATE TRIGGER record_status AFTER UPDATE ON orders_order
    FOR EACH ROW WHEN (OLD.status <> NEW.status) EXECUTE FUNCTION orders_record_event();
CREATE TRIGGER refuse_deletion BEFORE DELETE ON orders_order
    FOR EACH ROW EXECUTE FUNCTION orders_refuse_change();
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON orders_orderline
    FOR EACH ROW EXECUTE FUNCTION orders_refuse_change();
CREATE TRIGGER refuse BEFORE INSERT OR UPDATE OR DELETE ON orders_orderevent
    FOR EACH ROW EXECUTE FUNCTION orders_refuse_event();
"""
_NO_TRIGGERS = """
DROP TRIGGER refuse ON orders_orderevent;
DROP TRIGGER refuse_change ON orders_orderline;
DROP TRIGGER refuse_deletion ON orders_order;
DROP TRIGGER record_status ON orders_order;
DROP TRIGGER record_placed ON orders_order;
DROP TRIGGER stamp ON orders_order;
"""


class Migration(migrations.Migration):
    dependencies = [("orders", "0001_initial"), ("catalog", "0011_movement_cause")]

    operations = [
        migrations.RunSQL(_RECORD, _FORGET),
        migrations.RunSQL(_TRIGGERS, _NO_TRIGGERS),
    ]
