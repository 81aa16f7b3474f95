"""What ShelfWise adds to Django's ORM: tenant-safe foreign keys, row comparison, SQL compiled once."""

from __future__ import annotations  # Field takes its type arguments in annotations only

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import orjson
from django.db import DEFAULT_DB_ALIAS, connection
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.ddl_references import Columns, Statement, Table
from django.db.models import (
    BaseConstraint,
    BooleanField,
    Expression,
    Field,
    Func,
    Model,
    QuerySet,
)
from django.db.models.sql.compiler import SQLCompiler


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
    ) -> Statement:
        assert model is not None and schema_editor is not None
        field = model._meta.get_field(self.field)
        assert isinstance(field, Field) and isinstance(field.related_model, type)
        target = field.related_model._meta
        table, quote = model._meta.db_table, schema_editor.quote_name
        return Statement(
            "ALTER TABLE %(table)s ADD CONSTRAINT %(name)s FOREIGN KEY (%(columns)s) "
            "REFERENCES %(target)s (%(target_columns)s)",
            table=Table(table, quote),
            name=quote(self.name),
            columns=Columns(table, ["tenant_id", field.column], quote),
            target=Table(target.db_table, quote),
            target_columns=Columns(target.db_table, ["tenant_id", "id"], quote),
        )

    def constraint_sql(
        self, model: type[Model] | None, schema_editor: BaseDatabaseSchemaEditor | None
    ) -> None:
        """With CREATE TABLE it waits for the end of the migration, when the target's keys exist."""
        assert schema_editor is not None
        schema_editor.deferred_sql.append(self.create_sql(model, schema_editor))

    def remove_sql(
        self, model: type[Model] | None, schema_editor: BaseDatabaseSchemaEditor | None
    ) -> Statement:
        assert model is not None and schema_editor is not None
        return Statement(
            "ALTER TABLE %(table)s DROP CONSTRAINT %(name)s",
            table=Table(model._meta.db_table, schema_editor.quote_name),
            name=schema_editor.quote_name(self.name),
        )

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

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, list["_Slot"]]:
        return "%s", [_Slot(self.name)]


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

    def rows(self, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Runs the SQL. Raises KeyError when a named value is missing."""
        bound = [
            values[parameter.name] if isinstance(parameter, _Slot) else parameter
            for parameter in self.parameters
        ]
        with connection.cursor() as cursor:
            cursor.execute(self.sql, bound)
            return cursor.fetchall()


def estimated_count(queryset: QuerySet[Any, Any]) -> int:
    """How many rows the planner expects the query to give: one query, whatever their number."""
    plans = orjson.loads(queryset.order_by().explain(format="json"))
    return int(plans[0]["Plan"]["Plan Rows"])
