"""Full text search: documents and words, kept by triggers, whatever writes.

A document is computed from the book, its author and its publisher. Their rows are locked against
change meanwhile: else a rename that runs at the same time would find no book to bring up to date,
and the new book would keep the old name.
"""

import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
from django.contrib.postgres.operations import (
    BtreeGinExtension,
    CreateExtension,
    TrigramExtension,
    UnaccentExtension,
)
from django.db import migrations, models

import shelfwise.db

# The text parser takes "and/or" for a path and "b.c" for a host: such signs become spaces first. An
# apostrophe both joins and parts: "God's" is found as gods and as god, "L'étranger" as etranger.
_WORDS = r"""
CREATE FUNCTION catalog_words(text) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT translate(
        lower(unaccent(normalize($1, NFKD))),
        '_-./\:@&+#%~=*<>|"`()[]{},;!?''', repeat(' ', 40)
    )
$$;

CREATE FUNCTION catalog_search_vector(text) RETURNS tsvector LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN $1 IS NULL THEN ''::tsvector
        WHEN $1 ~ '[''’]' THEN
            to_tsvector('simple', catalog_words(translate($1, '’', '''')))
            || to_tsvector('simple', catalog_words(translate($1, '''’', '')))
        ELSE to_tsvector('simple', catalog_words($1))
    END
$$;
"""

_DOCUMENTS = """
CREATE FUNCTION catalog_index_books(books uuid[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF books IS NULL THEN
        RETURN;
    END IF;
    PERFORM 1 FROM catalog_author
        WHERE id IN (SELECT author_id FROM catalog_book WHERE id = ANY(books))
        ORDER BY id FOR SHARE;
    PERFORM 1 FROM catalog_publisher
        WHERE id IN (SELECT publisher_id FROM catalog_book WHERE id = ANY(books))
        ORDER BY id FOR SHARE;
    INSERT INTO catalog_searchdocument AS held (book_id, tenant_id, vector)
    SELECT book.id, book.tenant_id,
        setweight(catalog_search_vector(book.title), 'A')
        || setweight(catalog_search_vector(author.name), 'B')
        || setweight(catalog_search_vector(book.subtitle), 'C')
        || setweight(catalog_search_vector(publisher.name), 'D')
    FROM catalog_book book
        LEFT JOIN catalog_author author ON author.id = book.author_id
        LEFT JOIN catalog_publisher publisher ON publisher.id = book.publisher_id
    WHERE book.id = ANY(books) AND book.deleted_at IS NULL
    ON CONFLICT (book_id) DO UPDATE SET vector = EXCLUDED.vector
        WHERE held.vector <> EXCLUDED.vector;
    DELETE FROM catalog_searchdocument
    WHERE book_id IN (
        SELECT id FROM catalog_book WHERE id = ANY(books) AND deleted_at IS NOT NULL
    );
END $$;

CREATE FUNCTION catalog_index_new_books() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM catalog_index_books(array_agg(id)) FROM made;
    RETURN NULL;
END $$;

CREATE FUNCTION catalog_index_changed_books() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM catalog_index_books(array_agg(after.id))
    FROM after JOIN before USING (id)
    WHERE (after.title, after.subtitle, after.author_id, after.publisher_id, after.deleted_at)
        IS DISTINCT FROM
        (before.title, before.subtitle, before.author_id, before.publisher_id, before.deleted_at);
    RETURN NULL;
END $$;

CREATE FUNCTION catalog_index_renamed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    books uuid[];
BEGIN
    -- The book's column that names the renamed party is the trigger's argument.
    EXECUTE format(
        'WITH touched AS (
            UPDATE catalog_book SET updated_at = clock_timestamp()
            WHERE (tenant_id, %I) IN (
                SELECT after.tenant_id, after.id FROM after JOIN before USING (id)
                WHERE after.name <> before.name
            )
            RETURNING id
        ) SELECT array_agg(id) FROM touched', TG_ARGV[0]
    ) INTO books;
    PERFORM catalog_index_books(books);
    RETURN NULL;
END $$;

CREATE FUNCTION catalog_learn_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO catalog_searchword (tenant_id, word)
    SELECT found.tenant_id, found.word
    FROM (
        SELECT DISTINCT document.tenant_id, word
        FROM written document, unnest(tsvector_to_array(document.vector)) word
        WHERE length(word) BETWEEN 3 AND 100
    ) found
    WHERE NOT EXISTS (
        SELECT 1 FROM catalog_searchword known
        WHERE known.tenant_id = found.tenant_id AND known.word = found.word
    );
    RETURN NULL;
END $$;
"""

_FORGET = """
DROP FUNCTION catalog_learn_words();
DROP FUNCTION catalog_index_renamed();
DROP FUNCTION catalog_index_changed_books();
DROP FUNCTION catalog_index_new_books();
DROP FUNCTION catalog_index_books(uuid[]);
"""

_TRIGGERS = """
CREATE TRIGGER index_new AFTER INSERT ON catalog_book
    REFERENCING NEW TABLE AS made
    FOR EACH STATEMENT EXECUTE FUNCTION catalog_index_new_books();
CREATE TRIGGER index_changed AFTER UPDATE ON catalog_book
    REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION catalog_index_changed_books();
CREATE TRIGGER index_renamed AFTER UPDATE ON catalog_author
    REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION catalog_index_renamed('author_id');
CREATE TRIGGER index_renamed AFTER UPDATE ON catalog_publisher
    REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION catalog_index_renamed('publisher_id');
CREATE TRIGGER learn_new AFTER INSERT ON catalog_searchdocument
    REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION catalog_learn_words();
CREATE TRIGGER learn_changed AFTER UPDATE ON catalog_searchdocument
    REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION catalog_learn_words();
"""
_NO_TRIGGERS = """
DROP TRIGGER learn_changed ON catalog_searchdocument;
DROP TRIGGER learn_new ON catalog_searchdocument;
DROP TRIGGER index_renamed ON catalog_publisher;
DROP TRIGGER index_renamed ON catalog_author;
DROP TRIGGER index_changed ON catalog_book;
DROP TRIGGER index_new ON catalog_book;
"""

# By tenant, so that no array holds more than one tenant's books.
_FILL = "SELECT catalog_index_books(array_agg(id)) FROM catalog_book GROUP BY tenant_id"


class Migration(migrations.Migration):
    dependencies = [("catalog", "0005_stock_movements"), ("tenancy", "0001_initial")]

    operations = [
        TrigramExtension(),
        UnaccentExtension(),
        BtreeGinExtension(),
        CreateExtension("fuzzystrmatch"),
        migrations.CreateModel(
            name="SearchDocument",
            fields=[
                (
                    "book",
                    models.OneToOneField(
                        db_constraint=False,
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        serialize=False,
                        to="catalog.book",
                    ),
                ),
                ("vector", django.contrib.postgres.search.SearchVectorField(editable=False)),
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
            ],
            options={"abstract": False, "base_manager_name": "objects"},
        ),
        migrations.CreateModel(
            name="SearchWord",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("word", models.CharField(db_collation="C", editable=False, max_length=100)),
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
            options={"abstract": False, "base_manager_name": "objects"},
        ),
        migrations.RunSQL(
            _WORDS,
            "DROP FUNCTION catalog_search_vector(text); DROP FUNCTION catalog_words(text);",
        ),
        migrations.AddIndex(
            model_name="searchword",
            index=models.Index(fields=["tenant", "word"], name="searchword_known"),
        ),
        migrations.RunSQL(_DOCUMENTS, _FORGET),
        migrations.RunSQL(_TRIGGERS, _NO_TRIGGERS),
        # Checked at once, else the indexes below can't be made in this transaction.
        migrations.RunSQL("SET CONSTRAINTS ALL IMMEDIATE", migrations.RunSQL.noop),
        migrations.RunSQL(_FILL, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="searchdocument",
            constraint=shelfwise.db.TenantForeignKey(
                field="book", name="searchdocument_book_of_tenant"
            ),
        ),
        migrations.AddIndex(
            model_name="searchdocument",
            index=django.contrib.postgres.indexes.GinIndex(
                fields=["tenant", "vector"], name="searchdocument_words"
            ),
        ),
        migrations.AddIndex(
            model_name="searchword",
            index=django.contrib.postgres.indexes.GinIndex(
                models.F("tenant"),
                django.contrib.postgres.indexes.OpClass("word", name="gin_trgm_ops"),
                name="searchword_alike",
            ),
        ),
    ]
