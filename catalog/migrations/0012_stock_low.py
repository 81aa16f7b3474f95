"""GET /dashboard: the books that are nearly sold out, fewest copies first.

Built beside running writers: a tenant's stock changes with each of its orders.
"""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import F, Q


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("catalog", "0011_movement_cause")]

    operations = [
        AddIndexConcurrently(
            model_name="stock",
            index=models.Index(
                F("tenant"),
                F("on_hand") - F("reserved"),
                F("book"),
                condition=Q(on_hand__lte=F("reserved") + 5),
                name="stock_low",
            ),
        )
    ]
