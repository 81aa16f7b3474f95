"""GET /books/suggest: the tenant's authors one of whose names begins with what is typed."""

import django.contrib.postgres.indexes
import django.contrib.postgres.search
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("catalog", "0008_tenant_once")]

    operations = [
        migrations.AddIndex(
            model_name="author",
            index=django.contrib.postgres.indexes.GinIndex(
                models.F("tenant"),
                django.contrib.postgres.search.SearchVector("sort_name", config="simple"),
                condition=models.Q(("deleted_at__isnull", True)),
                gin_pending_list_limit=256,
                name="author_names",
            ),
        ),
    ]
