"""Rows that hang on another row of the tenant no longer look up the tenant itself.

Their composite reference (tenant_id, book_id) is to a row whose tenant exists. The second look-up
took 6 µs a row: 1.5 s of the 15 in which 65,600 books with stock and categories are loaded.
"""

import django.db.models.deletion
from django.db import migrations, models


def _without_constraint(model: str) -> migrations.AlterField:
    return migrations.AlterField(
        model_name=model,
        name="tenant",
        field=models.ForeignKey(
            db_constraint=False,
            db_index=False,
            editable=False,
            on_delete=django.db.models.deletion.PROTECT,
            related_name="+",
            to="tenancy.tenant",
        ),
    )


class Migration(migrations.Migration):
    dependencies = [("catalog", "0007_ids")]

    operations = [_without_constraint("bookcategory"), _without_constraint("stock")]
