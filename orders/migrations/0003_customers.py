"""The admin's search for the orders of a customer, by e-mail address.

EXPLAIN with 500,000 orders of one tenant: an Index Scan of the customer's five, 8 buffers and
0.1 ms, where a Parallel Seq Scan touched 11,700 buffers in 125 to 165 ms.

Built beside running writers.
"""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import F, Q
from django.db.models.functions import Lower


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("orders", "0002_events")]

    operations = [
        AddIndexConcurrently(
            model_name="order",
            index=models.Index(
                F("tenant"),
                Lower("customer_email"),
                condition=Q(customer_email__isnull=False),
                name="order_of_customer",
            ),
        )
    ]
