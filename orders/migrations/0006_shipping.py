"""Labels, and what an order shows of its own.

EXPLAIN of what `label_of_order` and `label_due` serve stands in docs/indexes.md.
"""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

import shelfwise.db
import shelfwise.ids

_STATES = [("pending", "Pending"), ("bought", "Bought"), ("failed", "Failed"), ("void", "Void")]
_KNOWN = [state for state, _ in _STATES]


class Migration(migrations.Migration):
    dependencies = [("orders", "0005_payments")]

    operations = [
        migrations.AddField(
            model_name="order",
            name="label_state",
            field=models.CharField(choices=_STATES, max_length=7, null=True),
        ),
        migrations.AddField(
            model_name="order",
            name="label_url",
            field=models.CharField(max_length=1000, null=True),
        ),
        migrations.AddField(
            model_name="order",
            name="label_problem",
            field=models.CharField(max_length=300, null=True),
        ),
        migrations.AddConstraint(
            model_name="order",
            constraint=models.CheckConstraint(
                condition=models.Q(label_state__in=_KNOWN), name="order_label_state_known"
            ),
        ),
        migrations.CreateModel(
            name="Label",
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
                    "order",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="labels",
                        to="orders.order",
                    ),
                ),
                ("service", models.CharField(max_length=100)),
                ("state", models.CharField(choices=_STATES, default="pending", max_length=7)),
                ("actor", models.CharField(max_length=200)),
                ("carrier", models.CharField(max_length=100, null=True)),
                ("tracking_number", models.CharField(max_length=100, null=True)),
                ("label_url", models.CharField(max_length=1000, null=True)),
                ("problem", models.CharField(max_length=300, null=True)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("due_at", models.DateTimeField(null=True)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                ("bought_at", models.DateTimeField(null=True)),
            ],
            options={"abstract": False, "base_manager_name": "objects"},
        ),
        migrations.AddConstraint(
            model_name="label",
            constraint=shelfwise.db.TenantForeignKey(field="order", name="label_order_of_tenant"),
        ),
        migrations.AddConstraint(
            model_name="label",
            constraint=models.UniqueConstraint(
                fields=["tenant", "order"],
                condition=models.Q(state__in=("pending", "bought")),
                name="label_one_living",
            ),
        ),
        migrations.AddConstraint(
            model_name="label",
            constraint=models.CheckConstraint(
                condition=models.Q(state__in=_KNOWN), name="label_state_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="label",
            constraint=models.CheckConstraint(
                condition=~models.Q(state="bought")
                | models.Q(
                    carrier__isnull=False, tracking_number__isnull=False, bought_at__isnull=False
                ),
                name="label_bought_is_whole",
            ),
        ),
        migrations.AddIndex(
            model_name="label",
            index=models.Index(fields=["tenant", "order", "id"], name="label_of_order"),
        ),
        migrations.AddIndex(
            model_name="label",
            index=models.Index(
                fields=["due_at"],
                condition=models.Q(due_at__isnull=False),
                name="label_due",
            ),
        ),
    ]
