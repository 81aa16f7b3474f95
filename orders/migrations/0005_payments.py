"""Payments that a provider is asked for. What was asked for stays as it was; the history of each is
written by the database, whoever changes its state.
"""

from typing import Any, ClassVar

import django.db.models.deletion
import django.db.models.functions
from django.db import migrations, models
from django.db.models import Q

import shelfwise.db
import shelfwise.ids

_RECORD = """
CREATE FUNCTION orders_record_payment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO orders_paymentevent
        (tenant_id, payment_id, old_state, new_state, problem, actor, created_at)
    VALUES (
        NEW.tenant_id, NEW.id, CASE TG_OP WHEN 'UPDATE' THEN OLD.state END, NEW.state,
        NEW.problem, catalog_movement_actor(), clock_timestamp()
    );
    RETURN NULL;
END $$;

CREATE FUNCTION orders_refuse_payment_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' AND pg_trigger_depth() > 1 THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'Events of payments are written by changes of orders_payment only.'
        USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE FUNCTION orders_refuse_other_payment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'What was to be charged stays: payments are voided and refunded, not deleted.'
        USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE FUNCTION orders_tell_declined() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM orders_tell(
        NEW.tenant_id, 'payment.declined',
        jsonb_build_object('order', NEW.order_id, 'problem', NEW.problem)
    );
    RETURN NULL;
END $$;
"""
_FORGET = """
DROP FUNCTION orders_tell_declined();
DROP FUNCTION orders_refuse_other_payment();
DROP FUNCTION orders_refuse_payment_event();
DROP FUNCTION orders_record_payment();
"""

_TRIGGERS = """
CREATE TRIGGER record_begun AFTER INSERT ON orders_payment
    FOR EACH ROW EXECUTE FUNCTION orders_record_payment();
CREATE TRIGGER record_state AFTER UPDATE ON orders_payment FOR EACH ROW
    WHEN (
        OLD.state <> NEW.state
        OR NEW.problem IS NOT NULL AND NEW.problem IS DISTINCT FROM OLD.problem
    )
    EXECUTE FUNCTION orders_record_payment();
CREATE TRIGGER refuse_change BEFORE UPDATE ON orders_payment FOR EACH ROW
    WHEN ((OLD.id, OLD.order_id, OLD.amount, OLD.currency)
        IS DISTINCT FROM (NEW.id, NEW.order_id, NEW.amount, NEW.currency))
    EXECUTE FUNCTION orders_refuse_other_payment();
CREATE TRIGGER refuse_deletion BEFORE DELETE ON orders_payment
    FOR EACH ROW EXECUTE FUNCTION orders_refuse_other_payment();
CREATE TRIGGER refuse BEFORE INSERT OR UPDATE OR DELETE ON orders_paymentevent
    FOR EACH ROW EXECUTE FUNCTION orders_refuse_payment_event();
CREATE TRIGGER tell_declined AFTER UPDATE ON orders_payment FOR EACH ROW
    WHEN (NEW.state = 'declined' AND OLD.state <> 'declined')
    EXECUTE FUNCTION orders_tell_declined();
"""
_NO_TRIGGERS = """
DROP TRIGGER tell_declined ON orders_payment;
DROP TRIGGER refuse ON orders_paymentevent;
DROP TRIGGER refuse_deletion ON orders_payment;
DROP TRIGGER refuse_change ON orders_payment;
DROP TRIGGER record_state ON orders_payment;
DROP TRIGGER record_begun ON orders_payment;
"""

_STATES = (
    *("pending", "authorised", "captured", "declined"),
    *("cancelling", "voided", "refunding", "refunded"),
)
_SHOWN = ("pending", "paid", "declined", "cancelling", "voided", "refunding", "refunded")
_OPTIONS: dict[str, Any] = {"abstract": False, "base_manager_name": "objects"}


def _choices(states: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(state, state.title()) for state in states]


def _reference(to: str, related_name: str, **options: Any) -> Any:
    return models.ForeignKey(
        to=to,
        on_delete=django.db.models.deletion.PROTECT,
        related_name=related_name,
        db_constraint=False,
        db_index=False,
        **options,
    )


class Migration(migrations.Migration):
    dependencies: ClassVar = [("orders", "0004_webhooks")]

    operations: ClassVar = [
        migrations.AddField(
            "order",
            "payment_state",
            models.CharField(max_length=10, choices=_choices(_SHOWN), null=True),
        ),
        migrations.AddField(
            "order", "payment_problem", models.CharField(max_length=300, null=True)
        ),
        migrations.AddConstraint(
            "order",
            models.CheckConstraint(
                condition=Q(payment_state__in=list(_SHOWN)), name="order_payment_state_known"
            ),
        ),
        migrations.CreateModel(
            name="Payment",
            fields=[
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
                    "state",
                    models.CharField(choices=_choices(_STATES), default="pending", max_length=10),
                ),
                ("amount", models.DecimalField(decimal_places=2, max_digits=20)),
                ("currency", models.CharField(max_length=3)),
                ("source", models.CharField(max_length=200, null=True)),
                ("charge_id", models.CharField(max_length=100, null=True)),
                ("reason", models.CharField(max_length=200)),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("asked_at", models.DateTimeField(null=True)),
                ("held_until", models.DateTimeField(null=True)),
                ("due_at", models.DateTimeField(null=True)),
                ("problem", models.CharField(max_length=300, null=True)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.Now(), editable=False
                    ),
                ),
                ("order", _reference("orders.order", "payments")),
                ("tenant", _reference("tenancy.tenant", "+", editable=False)),
            ],
            options=_OPTIONS,
        ),
        migrations.CreateModel(
            name="PaymentEvent",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("old_state", models.CharField(editable=False, max_length=10, null=True)),
                ("new_state", models.CharField(editable=False, max_length=10)),
                ("problem", models.CharField(editable=False, max_length=300, null=True)),
                ("actor", models.CharField(editable=False, max_length=200)),
                ("created_at", models.DateTimeField(editable=False)),
                ("payment", _reference("orders.payment", "events", editable=False)),
                ("tenant", _reference("tenancy.tenant", "+", editable=False)),
            ],
            options=_OPTIONS,
        ),
        migrations.AddIndex(
            "payment", models.Index(fields=["tenant", "order", "id"], name="payment_of_order")
        ),
        migrations.AddIndex(
            "payment",
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="payment_due"),
        ),
        migrations.AddIndex(
            "paymentevent",
            models.Index(fields=["tenant", "payment", "id"], name="paymentevent_of_payment"),
        ),
        migrations.AddConstraint(
            "payment",
            models.UniqueConstraint(fields=["tenant", "id"], name="payment_tenant_id"),
        ),
        migrations.AddConstraint(
            "payment",
            shelfwise.db.TenantForeignKey(field="order", name="payment_order_of_tenant"),
        ),
        migrations.AddConstraint(
            "payment",
            models.UniqueConstraint(
                fields=["tenant", "order"],
                condition=Q(state__in=("pending", "authorised", "captured")),
                name="payment_one_living",
            ),
        ),
        migrations.AddConstraint(
            "payment",
            models.CheckConstraint(
                condition=Q(state__in=list(_STATES)), name="payment_state_known"
            ),
        ),
        migrations.AddConstraint(
            "payment",
            models.CheckConstraint(condition=Q(amount__gt=0), name="payment_amount_positive"),
        ),
        migrations.AddConstraint(
            "payment",
            models.CheckConstraint(
                condition=Q(source__isnull=True) | Q(state="pending"),
                name="payment_source_forgotten",
            ),
        ),
        migrations.AddConstraint(
            "paymentevent",
            shelfwise.db.TenantForeignKey(field="payment", name="paymentevent_payment_of_tenant"),
        ),
        migrations.RunSQL(_RECORD, _FORGET),
        migrations.RunSQL(_TRIGGERS, _NO_TRIGGERS),
    ]
