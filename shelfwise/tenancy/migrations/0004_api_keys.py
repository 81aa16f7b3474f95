"""API keys. The id of one that is deleted while processes may remember it is revoked, whoever
deletes it: like those of tenants and users (0002_deleted_are_out).
"""

import django.db.models.deletion
import django.db.models.functions.datetime
import shelfwise.ids
import shelfwise.names
from django.db import migrations, models

_REVOKE = """
CREATE TRIGGER revoke_deleted AFTER DELETE ON tenancy_apikey FOR EACH ROW
    WHEN (OLD.expires_at IS NULL OR OLD.expires_at > statement_timestamp() - interval '1 day')
    EXECUTE FUNCTION tenancy_revoke_deleted();
"""
_LEAVE = "DROP TRIGGER revoke_deleted ON tenancy_apikey"


class Migration(migrations.Migration):
    dependencies = [
        ("tenancy", "0003_idempotency"),
    ]

    operations = [
        migrations.CreateModel(
            name="ApiKey",
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
                    "name",
                    models.CharField(max_length=100, validators=[shelfwise.names.ONE_LINE]),
                ),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("viewer", "Viewer"),
                            ("clerk", "Clerk"),
                            ("editor", "Editor"),
                            ("owner", "Owner"),
                        ],
                        max_length=10,
                    ),
                ),
                ("digest", models.BinaryField(max_length=32)),
                ("made_by", models.CharField(editable=False, max_length=200)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                ("rotated_at", models.DateTimeField(editable=False, null=True)),
                ("last_used_at", models.DateTimeField(editable=False, null=True)),
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
            ],
            options={
                "verbose_name": "API key",
                "abstract": False,
                "base_manager_name": "objects",
                "indexes": [
                    models.Index(fields=["tenant", "created_at", "id"], name="api_key_list"),
                    models.Index(fields=["expires_at"], name="api_key_end"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("role__in", ["viewer", "clerk", "editor", "owner"])),
                        name="api_key_has_a_role",
                    )
                ],
            },
        ),
        migrations.RunSQL(_REVOKE, _LEAVE),
    ]
