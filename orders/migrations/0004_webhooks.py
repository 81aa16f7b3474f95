"""Webhooks: what happens is written down with its deliveries by the database, in the transaction of
the change, whoever makes it; and a job is enqueued for each endpoint that is told.

Without an endpoint nothing is written. A statement that changes many books is told in batches that
`POST /books/batch-get` takes.
"""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

import shelfwise.db
import shelfwise.ids
import shelfwise.names

# `_only` names the one endpoint to tell; else all that asked for this type. The answer is the
# event's id; none where nobody is told.
_TELL = """
CREATE FUNCTION orders_tell(_tenant uuid, _type text, _data jsonb, _only uuid DEFAULT NULL)
RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
    told uuid[] := ARRAY(
        SELECT id FROM orders_endpoint
        WHERE tenant_id = _tenant AND disabled_at IS NULL AND (
            id = _only OR _only IS NULL AND (events = '{}' OR _type = ANY(events))
        )
        -- As the deliveries' foreign key holds them anyway: one that is being deleted is waited for
        -- and not told, else the order or book that it would be told of could not be written. Not
        -- SKIP LOCKED: it passes over one whose row is only being updated, and the event is lost.
        FOR KEY SHARE
    );
    event uuid;
    since uuid;
    lately int;
BEGIN
    IF told = '{}' THEN
        RETURN NULL;
    END IF;
    -- Tenants take turns: behind as many jobs as it was told of lately, so that the thousands of one
    -- keep nobody else's waiting. By ids, which begin with the time: no more than these are read.
    since := (lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint - 10000), 12, '0')
        || repeat('0', 20))::uuid;
    lately := (SELECT count(*) FROM (
        SELECT FROM orders_event WHERE tenant_id = _tenant AND id > since LIMIT 100
    ) told_lately);
    event := catalog_uuid7();
    INSERT INTO orders_event (tenant_id, id, type, data, created_at)
    VALUES (_tenant, event, _type, _data, clock_timestamp());
    INSERT INTO orders_delivery (tenant_id, id, event_id, endpoint_id)
    SELECT _tenant, catalog_uuid7(), event, endpoint FROM unnest(told) AS endpoint;
    PERFORM procrastinate_defer_jobs_v1(ARRAY(
        SELECT ROW(
            'webhooks', 'orders.tasks.deliver', -lately, NULL, NULL,
            jsonb_build_object('tenant', _tenant, 'endpoint', endpoint), clock_timestamp()
        )::procrastinate_job_to_defer_v1
        FROM unnest(told) AS endpoint
    ));
    RETURN event;
END $$;

CREATE FUNCTION orders_tell_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM orders_tell(
        NEW.tenant_id,
        'order.' || CASE WHEN NEW.old_status IS NULL THEN 'placed' ELSE NEW.new_status END,
        jsonb_build_object(
            'id', id, 'number', number, 'status', NEW.new_status,
            'previous_status', NEW.old_status, 'currency', currency, 'total', total,
            'units', units
        )
    ) FROM orders_order WHERE id = NEW.order_id;
    RETURN NULL;
END $$;

CREATE FUNCTION orders_tell_books() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM orders_tell(tenant_id, 'book.changed', jsonb_build_object('books', jsonb_agg(
        jsonb_build_object('id', id, 'deleted', deleted_at IS NOT NULL) ORDER BY place
    )))
    FROM (
        SELECT *, row_number() OVER (PARTITION BY tenant_id ORDER BY id) - 1 AS place FROM changed
        WHERE tenant_id IN (
            SELECT tenant_id FROM orders_endpoint
            WHERE disabled_at IS NULL AND (events = '{}' OR 'book.changed' = ANY(events))
        )
    ) book
    GROUP BY tenant_id, place / 200;
    RETURN NULL;
END $$;

CREATE FUNCTION orders_tell_low_stock() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM orders_tell(tenant_id, 'stock.low', jsonb_build_object('books', jsonb_agg(
        jsonb_build_object(
            'id', book_id, 'on_hand', on_hand, 'reserved', reserved,
            'available', on_hand - reserved
        ) ORDER BY place
    )))
    FROM (
        SELECT now_is.*,
            row_number() OVER (PARTITION BY now_is.tenant_id ORDER BY now_is.book_id) - 1 AS place
        FROM changed now_is JOIN unchanged was USING (book_id)
        WHERE now_is.on_hand - now_is.reserved <= 5 AND was.on_hand - was.reserved > 5
    ) stock
    GROUP BY tenant_id, place / 200;
    RETURN NULL;
END $$;
"""
_SAY_NOTHING = """
DROP FUNCTION orders_tell_low_stock();
DROP FUNCTION orders_tell_books();
DROP FUNCTION orders_tell_order();
DROP FUNCTION orders_tell(uuid, text, jsonb, uuid);
"""

_TRIGGERS = """
CREATE TRIGGER tell AFTER INSERT ON orders_orderevent
    FOR EACH ROW EXECUTE FUNCTION orders_tell_order();
CREATE TRIGGER tell_new AFTER INSERT ON catalog_book REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION orders_tell_books();
CREATE TRIGGER tell_changed AFTER UPDATE ON catalog_book REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION orders_tell_books();
CREATE TRIGGER tell_low AFTER UPDATE ON catalog_stock
    REFERENCING OLD TABLE AS unchanged NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION orders_tell_low_stock();
CREATE TRIGGER stamp BEFORE UPDATE ON orders_endpoint
    FOR EACH ROW WHEN (
        (OLD.name, OLD.url, OLD.events, OLD.seed, OLD.disabled_at)
        IS DISTINCT FROM (NEW.name, NEW.url, NEW.events, NEW.seed, NEW.disabled_at)
    )
    EXECUTE FUNCTION orders_stamp();
"""
_NO_TRIGGERS = """
DROP TRIGGER stamp ON orders_endpoint;
DROP TRIGGER tell_low ON catalog_stock;
DROP TRIGGER tell_changed ON catalog_book;
DROP TRIGGER tell_new ON catalog_book;
DROP TRIGGER tell ON orders_orderevent;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0003_customers"),
        ("catalog", "0012_stock_low"),
        ("procrastinate", "0041_post_retry_failed_job"),
    ]

    operations = [
        migrations.CreateModel(
            name="Endpoint",
            fields=[
                (
                    "tenant",
                    models.ForeignKey(
                        db_index=False,
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tenancy.tenant",
                    ),
                ),
                (
                    "id",
                    models.UUIDField(
                        default=shelfwise.ids.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "name",
                    models.CharField(max_length=100, validators=[shelfwise.names.ONE_LINE]),
                ),
                ("url", models.CharField(max_length=500)),
                (
                    "events",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=30), default=list, size=None
                    ),
                ),
                ("seed", models.CharField(editable=False, max_length=32)),
                ("seed_check", models.CharField(editable=False, max_length=16)),
                ("old_seed", models.CharField(default="", editable=False, max_length=32)),
                ("old_seed_until", models.DateTimeField(editable=False, null=True)),
                ("failing_since", models.DateTimeField(editable=False, null=True)),
                ("failed_at", models.DateTimeField(editable=False, null=True)),
                ("failures", models.PositiveIntegerField(default=0, editable=False)),
                ("retry_at", models.DateTimeField(editable=False, null=True)),
                ("last_problem", models.CharField(default="", editable=False, max_length=300)),
                ("disabled_at", models.DateTimeField(editable=False, null=True)),
                ("disabled_reason", models.CharField(default="", editable=False, max_length=300)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
            ],
            options={
                "abstract": False,
                "base_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "id"), name="endpoint_tenant_id"),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "events__contained_by",
                                [
                                    "order.placed",
                                    "order.paid",
                                    "order.shipped",
                                    "order.delivered",
                                    "order.cancelled",
                                    "order.archived",
                                    "payment.declined",
                                    "book.changed",
                                    "stock.low",
                                    "endpoint.disabled",
                                    "webhook.test",
                                ],
                            )
                        ),
                        name="endpoint_events_known",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Event",
            fields=[
                (
                    "tenant",
                    models.ForeignKey(
                        db_index=False,
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tenancy.tenant",
                    ),
                ),
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("type", models.CharField(editable=False, max_length=30)),
                ("data", models.JSONField(editable=False)),
                ("created_at", models.DateTimeField(editable=False)),
            ],
            options={
                "abstract": False,
                "base_manager_name": "objects",
                "indexes": [models.Index(fields=["created_at"], name="event_age")],
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "id"), name="event_tenant_id")
                ],
            },
        ),
        migrations.CreateModel(
            name="Delivery",
            fields=[
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
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                (
                    "event",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="orders.event",
                    ),
                ),
                (
                    "endpoint",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="orders.endpoint",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("delivered", "Delivered"),
                            ("failed", "Failed"),
                        ],
                        db_default="pending",
                        max_length=9,
                    ),
                ),
                ("attempts", models.PositiveIntegerField(db_default=0, editable=False)),
                (
                    "due_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                ("claimed_until", models.DateTimeField(editable=False, null=True)),
                (
                    "begun_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                ("delivered_at", models.DateTimeField(editable=False, null=True)),
            ],
            options={
                "verbose_name_plural": "deliveries",
                "abstract": False,
                "base_manager_name": "objects",
                "indexes": [
                    models.Index(fields=["tenant", "endpoint", "-id"], name="delivery_log"),
                    models.Index(
                        condition=models.Q(("state", "pending")),
                        fields=["tenant", "endpoint", "attempts", "id", "due_at"],
                        name="delivery_pending",
                    ),
                    models.Index(
                        condition=models.Q(("claimed_until__isnull", False), ("state", "pending")),
                        fields=["tenant", "endpoint"],
                        name="delivery_claimed",
                    ),
                    models.Index(
                        condition=models.Q(("state", "failed")),
                        fields=["tenant", "endpoint", "-id"],
                        name="delivery_failed",
                    ),
                    models.Index(fields=["event"], name="delivery_of_event"),
                ],
                "constraints": [
                    shelfwise.db.TenantForeignKey(field="event", name="delivery_event_of_tenant"),
                    shelfwise.db.TenantForeignKey(
                        field="endpoint", name="delivery_endpoint_of_tenant"
                    ),
                    models.UniqueConstraint(fields=("tenant", "id"), name="delivery_tenant_id"),
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["pending", "delivered", "failed"])),
                        name="delivery_state_known",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Attempt",
            fields=[
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
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "delivery",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="log",
                        to="orders.delivery",
                    ),
                ),
                ("begun_at", models.DateTimeField(editable=False)),
                ("seconds", models.FloatField(editable=False)),
                ("status", models.PositiveSmallIntegerField(editable=False, null=True)),
                ("problem", models.CharField(default="", editable=False, max_length=300)),
            ],
            options={
                "abstract": False,
                "base_manager_name": "objects",
                "indexes": [
                    models.Index(fields=["tenant", "delivery", "id"], name="attempt_of_delivery")
                ],
                "constraints": [
                    shelfwise.db.TenantForeignKey(
                        field="delivery", name="attempt_delivery_of_tenant"
                    )
                ],
            },
        ),
        migrations.RunSQL(_TELL, _SAY_NOTHING),
        migrations.RunSQL(_TRIGGERS, _NO_TRIGGERS),
        # Each delivery is changed twice; with the default a fifth of all rows would be dead ones.
        migrations.RunSQL(
            "ALTER TABLE orders_delivery SET (autovacuum_vacuum_scale_factor = 0.02)",
            "ALTER TABLE orders_delivery RESET (autovacuum_vacuum_scale_factor)",
        ),
    ]
