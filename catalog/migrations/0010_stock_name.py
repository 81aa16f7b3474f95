from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("catalog", "0009_suggest")]

    operations = [
        migrations.AlterModelOptions(
            "stock", {"base_manager_name": "objects", "verbose_name_plural": "stock"}
        )
    ]
