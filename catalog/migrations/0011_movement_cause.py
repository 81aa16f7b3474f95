"""What a movement of the stock is for: the order that was shipped. Set beside actor and reason."""

from django.db import migrations, models

_CAUSE = """
CREATE FUNCTION catalog_movement_cause() RETURNS uuid LANGUAGE sql STABLE AS $$
    SELECT nullif(current_setting('shelfwise.cause', true), '')::uuid
$$;
"""
_FORGET = "DROP FUNCTION catalog_movement_cause();"

_RECORD = """
CREATE OR REPLACE FUNCTION catalog_record_movement() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO catalog_stockmovement
        (tenant_id, book_id, delta, reason, actor, cause, created_at)
    VALUES (
        OLD.tenant_id, OLD.book_id,
        CASE TG_OP WHEN 'DELETE' THEN 0 ELSE NEW.on_hand END - OLD.on_hand,
        catalog_movement_reason(), catalog_movement_actor(), catalog_movement_cause(),
        clock_timestamp()
    );
    RETURN NULL;
END $$;
"""
_RECORD_WITHOUT = """
CREATE OR REPLACE FUNCTION catalog_record_movement() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO catalog_stockmovement (tenant_id, book_id, delta, reason, actor, created_at)
    VALUES (
        OLD.tenant_id, OLD.book_id,
        CASE TG_OP WHEN 'DELETE' THEN 0 ELSE NEW.on_hand END - OLD.on_hand,
        catalog_movement_reason(), catalog_movement_actor(), clock_timestamp()
    );
    RETURN NULL;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("catalog", "0010_stock_name")]

    operations = [
        migrations.AddField(
            model_name="stockmovement",
            name="cause",
            field=models.UUIDField(editable=False, null=True),
        ),
        migrations.RunSQL(_CAUSE, _FORGET),
        migrations.RunSQL(_RECORD, _RECORD_WITHOUT),
    ]
