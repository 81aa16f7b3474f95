"""Full text search: documents and words, kept by triggers, whatever writes.

A document is computed from the book, its author and its publisher. Whoever adds a book, or moves it
to another author or publisher, holds their rows against change meanwhile: else a rename that runs at
the same time would not see the book, and the book would keep the old name. A book that stays where
it is needs no such lock: the rename changes the book's row too, so the two wait for each other there.
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
# apostrophe both joins and parts: "God's" is found as gods and as god, "L'étranger" as etranger. Most
# titles are ASCII, and some of the steps have nothing to do there. One sign may stand for eighteen
# letters, and a word of more than 2,046 bytes is none to PostgreSQL: such are cut.
_WORDS = r"""
CREATE FUNCTION catalog_words(text) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT regexp_replace(
        replace(lower(
            CASE
                WHEN octet_length($1) = length($1) THEN $1
                ELSE regexp_replace(unaccent(normalize($1, NFKD)), '([^ ]{250})', '\1 ', 'g')
            END
        ), '&', ' and '),
        '[]_./\\:@+#%~=*<>|"`()[{},;!?''’‘-]+', ' ', 'g'
    )
$$;

CREATE FUNCTION catalog_search_vector(text) RETURNS tsvector LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN $1 IS NULL THEN ''::tsvector
        WHEN $1 ~ '[''’‘]' THEN
            to_tsvector('simple', catalog_words($1))
            || to_tsvector('simple', catalog_words(translate($1, '''’‘', '')))
        ELSE to_tsvector('simple', catalog_words($1))
    END
$$;

-- Every word; the last one, from three letters on, is perhaps not typed to its end.
CREATE FUNCTION catalog_search_query(text) RETURNS tsquery LANGUAGE plpgsql STABLE AS $$
DECLARE
    spelling text;
    part tsquery;
    whole tsquery := '';
BEGIN
    FOREACH spelling IN ARRAY ARRAY[catalog_words($1), catalog_words(translate($1, '''’‘', ''))] LOOP
        part := plainto_tsquery('simple', spelling);
        IF numnode(part) > 0 AND spelling ~ '[^ ]{3} *$' THEN
            part := (part::text || ':*')::tsquery;
        END IF;
        whole := CASE WHEN part = whole THEN whole ELSE whole || part END;
    END LOOP;
    RETURN whole;
END $$;

-- By the length of the title: a tenth, a fifth and a third of a shop's books are in the first three.
CREATE FUNCTION catalog_search_class(sort_title text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN length(sort_title) <= 7 THEN 'a'
        WHEN length(sort_title) <= 12 THEN 'b'
        WHEN length(sort_title) <= 25 THEN 'c'
        ELSE 'd'
    END
$$;

CREATE FUNCTION catalog_search_mark(tenant uuid, class text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT right(tenant::text, 6) || class
$$;

CREATE FUNCTION catalog_search_marked(tsvector, mark text) RETURNS tsvector LANGUAGE sql IMMUTABLE AS $$
    SELECT replace(' ' || $1::text, ' ''', ' ''' || mark)::tsvector
$$;

CREATE FUNCTION catalog_search_marked(tsquery, mark text) RETURNS tsquery LANGUAGE sql IMMUTABLE AS $$
    SELECT regexp_replace($1::text, '''([^'']+)''', '''' || mark || '\1''', 'g')::tsquery
$$;
"""
_NO_WORDS = """
DROP FUNCTION catalog_search_marked(tsquery, text);
DROP FUNCTION catalog_search_marked(tsvector, text);
DROP FUNCTION catalog_search_mark(uuid, text);
DROP FUNCTION catalog_search_class(text);
DROP FUNCTION catalog_search_query(text);
DROP FUNCTION catalog_search_vector(text);
DROP FUNCTION catalog_words(text);
"""

# Each statement of a function sees what was committed before the statement: what held it up, too.
_DOCUMENTS = """
CREATE FUNCTION catalog_index_books(books uuid[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    WITH book AS MATERIALIZED (
        SELECT id, tenant_id, title, sort_title, subtitle, author_id, publisher_id
        FROM catalog_book
        WHERE id = ANY(books) AND deleted_at IS NULL
    ), author AS MATERIALIZED (
        SELECT id, setweight(catalog_search_vector(name), 'B') AS vector FROM catalog_author
        WHERE id IN (SELECT author_id FROM book)
    ), publisher AS MATERIALIZED (
        SELECT id, setweight(catalog_search_vector(name), 'D') AS vector FROM catalog_publisher
        WHERE id IN (SELECT publisher_id FROM book)
    ), documents AS (
        INSERT INTO catalog_searchdocument AS held (book_id, tenant_id, sort_title, vector)
        SELECT book.id, book.tenant_id, book.sort_title,
            catalog_search_marked(
                setweight(catalog_search_vector(book.title), 'A')
                || coalesce(author.vector, '')
                || setweight(catalog_search_vector(book.subtitle), 'C')
                || coalesce(publisher.vector, ''),
                catalog_search_mark(book.tenant_id, catalog_search_class(book.sort_title))
            )
        FROM book
            LEFT JOIN author ON author.id = book.author_id
            LEFT JOIN publisher ON publisher.id = book.publisher_id
        ON CONFLICT (book_id) DO UPDATE
            SET sort_title = EXCLUDED.sort_title, vector = EXCLUDED.vector
            WHERE (held.sort_title, held.vector) <> (EXCLUDED.sort_title, EXCLUDED.vector)
        RETURNING tenant_id, vector
    )
    INSERT INTO catalog_searchword (tenant_id, word)
    SELECT found.tenant_id, found.word
    FROM (
        SELECT DISTINCT document.tenant_id, substr(marked, 8) AS word
        FROM documents document, unnest(tsvector_to_array(document.vector)) marked
        WHERE length(marked) BETWEEN 7 + 3 AND 7 + 100
    ) found
    WHERE NOT EXISTS (
        SELECT FROM catalog_searchword known
        WHERE known.tenant_id = found.tenant_id AND known.word = found.word
    );
END $$;

CREATE FUNCTION catalog_index_new_books() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM catalog_author WHERE id IN (SELECT author_id FROM made)
        ORDER BY id FOR SHARE;
    PERFORM FROM catalog_publisher WHERE id IN (SELECT publisher_id FROM made)
        ORDER BY id FOR SHARE;
    PERFORM catalog_index_books(array_agg(id)) FROM made;
    RETURN NULL;
END $$;

CREATE FUNCTION catalog_index_changed_books() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    books uuid[];
BEGIN
    SELECT array_agg(after.id) INTO books
    FROM after JOIN before USING (id)
    WHERE (
        after.title, after.sort_title, after.subtitle,
        after.author_id, after.publisher_id, after.deleted_at
    ) IS DISTINCT FROM (
        before.title, before.sort_title, before.subtitle,
        before.author_id, before.publisher_id, before.deleted_at
    );
    IF books IS NULL THEN
        RETURN NULL;
    END IF;
    PERFORM FROM catalog_author
        WHERE id IN (
            SELECT after.author_id FROM after JOIN before USING (id)
            WHERE after.author_id IS DISTINCT FROM before.author_id
        )
        ORDER BY id FOR SHARE;
    PERFORM FROM catalog_publisher
        WHERE id IN (
            SELECT after.publisher_id FROM after JOIN before USING (id)
            WHERE after.publisher_id IS DISTINCT FROM before.publisher_id
        )
        ORDER BY id FOR SHARE;
    DELETE FROM catalog_searchdocument
        WHERE book_id IN (SELECT id FROM after WHERE deleted_at IS NOT NULL);
    PERFORM catalog_index_books(books);
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
    IF books IS NOT NULL THEN
        PERFORM catalog_index_books(books);
    END IF;
    RETURN NULL;
END $$;
"""

_FORGET = """
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
"""
_NO_TRIGGERS = """
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
                ("sort_title", models.CharField(db_collation="C", editable=False, max_length=100)),
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
            _NO_WORDS,
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
                fields=["vector"], gin_pending_list_limit=256, name="searchdocument_words"
            ),
        ),
        migrations.AddIndex(
            model_name="searchword",
            index=django.contrib.postgres.indexes.GinIndex(
                models.F("tenant"),
                django.contrib.postgres.indexes.OpClass("word", name="gin_trgm_ops"),
                gin_pending_list_limit=256, name="searchword_alike",
            ),
        ),
    ]
