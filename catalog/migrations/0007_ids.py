"""Ids for rows that the database makes itself, such as those of an import."""

from django.db import migrations

# RFC 9562, section 5.7: 48 bits of milliseconds, the version, 12 random bits, the variant, 62 random
# bits. `uuidv7()` is PostgreSQL 18's. The version's and the variant's bits are set in a random
# UUID of version 4, whose variant is the same.
_MAKE = """
CREATE FUNCTION catalog_uuid7() RETURNS uuid LANGUAGE sql VOLATILE PARALLEL SAFE AS $$
    SELECT encode(
        set_bit(set_bit(
            overlay(
                uuid_send(gen_random_uuid())
                PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3)
                FROM 1 FOR 6
            ), 52, 1), 53, 1), 'hex')::uuid
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("catalog", "0006_search")]

    operations = [migrations.RunSQL(_MAKE, "DROP FUNCTION catalog_uuid7()")]
