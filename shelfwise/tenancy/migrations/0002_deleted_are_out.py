"""The tokens of a tenant or user that is deleted count no more, whoever deletes it.

They are verified without a query, so the id of whom they speak for is revoked for as long as the
longest of them can live: 30 days (`shelfwise.auth.tokens.LONGEST_TTL`).
"""

from django.db import migrations

_REVOKE = """
CREATE FUNCTION tenancy_revoke_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO tenancy_revokedtoken (id, expires_at) VALUES (OLD.id, now() + interval '30 days')
    ON CONFLICT (id) DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER revoke_deleted AFTER DELETE ON tenancy_tenant
    FOR EACH ROW EXECUTE FUNCTION tenancy_revoke_deleted();
CREATE TRIGGER revoke_deleted AFTER DELETE ON tenancy_user
    FOR EACH ROW EXECUTE FUNCTION tenancy_revoke_deleted();
"""
_LEAVE = """
DROP TRIGGER revoke_deleted ON tenancy_user;
DROP TRIGGER revoke_deleted ON tenancy_tenant;
DROP FUNCTION tenancy_revoke_deleted();
"""


class Migration(migrations.Migration):
    dependencies = [("tenancy", "0001_initial")]

    operations = [migrations.RunSQL(_REVOKE, _LEAVE)]
