"""Beside Django's ORM: tenant-safe foreign keys, row comparison, SQL compiled once, bounded counts,
and who acts.
"""

from __future__ import annotations  # Field takes its type arguments in annotations only

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import (
    BaseConstraint,
    BooleanField,
    DateTimeField,
    Expression,
    Field,
    ForeignKey,
    Func,
    Model,
    QuerySet,
    Subquery,
    TextField,
    Value,
)
from django.db.models.functions import Cast
from django.db.models.sql.compiler import SQLCompiler
from django.db.transaction import TransactionManagementError
from psycopg import adapters
from psycopg.pq import Format

_TIME_LOADER = adapters.get_loader(adapters.types["timestamptz"].oid, Format.TEXT)
_TEXT_LOADER = adapters.get_loader(adapters.types["text"].oid, Format.TEXT)


_PLACE = re.compile(r"%\((\w+)\)s|\{(\w+)\}")


class TenantForeignKey(BaseConstraint):
    """FOREIGN KEY (tenant_id, <field>_id) REFERENCES <target> (tenant_id, id).

    The database itself refuses a row that references another tenant's row. The target needs a
    unique constraint on (tenant, id); the Django field has `db_constraint=False`, since this
    constraint is the stricter one.
    """

    def __init__(self, *, field: str, name: str) -> None:
        super().__init__(name=name)
        self.field = field

    def deconstruct(self) -> tuple[str, Sequence[Any], dict[str, Any]]:
        path, args, kwargs = super().deconstruct()
        return path, args, {**kwargs, "field": self.field}

    def create_sql(
        self, model: type[Model] | None, schema_editor: BaseDatabaseSchemaEditor | None
    ) -> str:
        assert model is not None
        assert schema_editor is not None
        field = model._meta.get_field(self.field)
        assert isinstance(field, ForeignKey)
        quote, target = schema_editor.quote_name, field.remote_field.model._meta.db_table
        return (
            f"ALTER TABLE {quote(model._meta.db_table)} ADD CONSTRAINT {quote(self.name)} "
            f"FOREIGN KEY (tenant_id, {quote(field.attname)}) "
            f"REFERENCES {quote(target)} (tenant_id, id)"
        )

    def constraint_sql(
        self, model: type[Model] | None, schema_editor: BaseDatabaseSchemaEditor | None
    ) -> str:
        """With CREATE TABLE it waits for the end of the migration, when the target's key exists."""
        assert schema_editor is not None
        schema_editor.deferred_sql.append(self.create_sql(model, schema_editor))
        return ""

    def remove_sql(
        self, model: type[Model] | None, schema_editor: BaseDatabaseSchemaEditor | None
    ) -> str:
        assert model is not None
        assert schema_editor is not None
        quote = schema_editor.quote_name
        return f"ALTER TABLE {quote(model._meta.db_table)} DROP CONSTRAINT {quote(self.name)}"

    def validate(
        self,
        model: type[Model],
        instance: Model,
        exclude: Any = None,
        using: str = DEFAULT_DB_ALIAS,
    ) -> None:
        """Nothing to add: the scoped manager already finds no other tenant's row."""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TenantForeignKey):
            return NotImplemented
        return (self.name, self.field) == (other.name, other.field)

    def __hash__(self) -> int:
        return hash((self.name, self.field))


class Row(Func):
    """ROW(a, b): compared as a whole, which an index on (a, b) answers with one range."""

    function = "ROW"
    output_field = BooleanField()  # never read; comparing expressions asks for one


class Param(Expression):
    """A value that is given by name when a CompiledQuery runs."""

    def __init__(self, name: str, output_field: Field[Any, Any]) -> None:
        super().__init__(output_field=output_field)
        self.name = name

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, list[_Slot]]:  # type: ignore[override]  # slots become values later
        return "%s", [_Slot(self.name)]


class RowAt(Subquery):
    """The one row of an ordered queryset that `offset` rows come before. A Param will do."""

    template = "(%(subquery)s OFFSET %%s LIMIT 1)"

    def __init__(self, queryset: QuerySet[Any, Any], offset: int | Param) -> None:
        super().__init__(queryset)
        self.offset = offset

    def as_sql(  # type: ignore[override]  # as of Param
        self, compiler: SQLCompiler, connection: Any, template: str | None = None, **extra: Any
    ) -> tuple[str, list[Any]]:
        sql, parameters = super().as_sql(compiler, connection, template, **extra)
        offset = _Slot(self.offset.name) if isinstance(self.offset, Param) else self.offset
        return sql, [*parameters, offset]


def moment(text: str) -> Expression:
    """A time as PostgreSQL writes it, which may be infinitely early."""
    return Cast(Value(text, TextField()), DateTimeField())


_SETTLED_UNTIL = "shelfwise.settled_until"
SETTLED_UNTIL = Cast(
    Func(Value(_SETTLED_UNTIL), function="current_setting", output_field=TextField()),
    DateTimeField(),
)
"""In the SQL of a `CompiledQuery.settled`: the moment that its function gave."""


@dataclass(frozen=True, slots=True)
class _Slot:
    """Where a named value goes among the positional parameters."""

    name: str


@dataclass(frozen=True, slots=True)
class CompiledQuery:
    """The SQL of a `values_list()` queryset, compiled once and run many times.

    Compiling a list's queryset costs Django more time than PostgreSQL takes to answer it
    (docs/performance.md). A queryset built with `Param`s, inside `tenant_scope(Param(...))`,
    keeps its filters and its scope; only the values change from run to run.
    """

    sql: str
    parameters: tuple[Any, ...]

    @classmethod
    def of(cls, queryset: QuerySet[Any, Any]) -> Self:
        sql, parameters = queryset.query.sql_with_params()
        return cls(sql, tuple(parameters))

    @classmethod
    def written(cls, sql: str, **parts: CompiledQuery) -> Self:
        """SQL written by hand: `%(name)s` is a value given by name when it runs, `{name}` is where
        one of the parts goes.
        """
        parameters: list[Any] = []

        def put(found: re.Match[str]) -> str:
            value, part = found.groups()
            parameters.extend(parts[part].parameters if part else [_Slot(value)])
            return parts[part].sql if part else "%s"

        return cls(_PLACE.sub(put, sql), tuple(parameters))

    def settled(self, function: str) -> Self:
        """The same after `function` of the tenant gave the moment up to which all can be seen.

        Two statements in one round trip: the rows must be read in a snapshot that is taken after
        the moment is known, else a change that is committed between the two is in neither.
        """
        first = f"SELECT set_config('{_SETTLED_UNTIL}', {function}(%s)::text, true);\n"
        return replace(self, sql=first + self.sql, parameters=(_Slot("tenant"), *self.parameters))

    def rows(self, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Runs the SQL, for rows on their way to JSON: a UUID arrives as its text.

        Raises KeyError when a named value is missing.
        """
        return self.results(values)[-1]

    def results(self, values: Mapping[str, Any]) -> list[list[tuple[Any, ...]]]:
        """The same with the rows of each statement, where there is one before the last."""
        bound = [
            values[parameter.name] if isinstance(parameter, _Slot) else parameter
            for parameter in self.parameters
        ]
        with connection.cursor() as cursor:
            # Django reads each time in Python, to give it a time zone which is UTC already; and
            # 150 UUID objects a page are made to be written as text again. Both together were a
            # third of a list's work and more (docs/performance.md).
            cursor.cursor.adapters.register_loader("timestamptz", _TIME_LOADER)
            cursor.cursor.adapters.register_loader("uuid", _TEXT_LOADER)
            cursor.execute(self.sql, bound)
            found = [cursor.fetchall()]
            while cursor.nextset():
                found.append(cursor.fetchall())
            return found


COUNTED_EXACTLY = 10_000


def estimated_count(queryset: QuerySet[Any, Any]) -> int:
    """How many rows there are: exactly up to 10,000, above that what the planner expects.

    The planner's statistics are of all tenants' rows together: what it expects of one tenant's
    German books, say, tells how German the others' are. What can be counted in a moment is counted
    (docs/security.md). One round trip: both are asked at once, and planning takes no time.
    """
    rows = queryset.order_by().values("pk")
    first, first_values = rows[: COUNTED_EXACTLY + 1].query.sql_with_params()
    every, every_values = rows.query.sql_with_params()
    with connection.cursor() as cursor:
        count = f"SELECT count(*) FROM ({first}) counted"  # noqa: S608 - Django's own SQL
        plan = f"EXPLAIN (FORMAT JSON) {every}"
        cursor.execute(f"{count}; {plan}", [*first_values, *every_values])
        counted: int = cursor.fetchone()[0]
        if counted <= COUNTED_EXACTLY:
            return counted
        cursor.nextset()
        plans = cursor.fetchone()[0]
        return max(counted, int(plans[0]["Plan"]["Plan Rows"]))


def acting(*, actor: str, reason: str, cause: UUID | None = None) -> None:
    """Says who acts in this transaction from now on, and why: what the database records of changes
    (the stock's movements, the orders' events) names it. One query.

    `actor` is a token's subject or the name of what runs by itself; both up to 200 characters.
    `cause` is the id of the record that the change is for, where there is one.
    """
    if not connection.in_atomic_block:
        raise TransactionManagementError("Who acts is said inside the transaction that changes.")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('shelfwise.actor', %s, true),"
            " set_config('shelfwise.reason', %s, true),"
            " set_config('shelfwise.cause', %s, true)",
            [actor, reason, str(cause or "")],
        )
