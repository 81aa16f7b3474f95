"""What the views that write have in common: who may, how it is asked, what is answered."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from http import HTTPStatus
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.actions import Versions, check_version
from catalog.refusals import (
    Gone,
    InUse,
    Refusal,
    StaleVersion,
    Taken,
    TenantGone,
    Unidentified,
    UnknownReference,
)
from shelfwise.api.conditional import VersionedResponse, versions_wanted
from shelfwise.api.errors import Conflict, Fault, InvalidFields, PreconditionFailed
from shelfwise.api.listing import Listing
from shelfwise.api.openapi.operations import Operation, Serializer, listed
from shelfwise.api.paging import SAYING_NOTHING, answer, ends_where_settled
from shelfwise.api.parameters import refuse_parameters
from shelfwise.api.views import TenantView
from shelfwise.auth.authentication import refused
from shelfwise.cache.views import Cached
from shelfwise.tenancy.models import Role


def problem_of(refusal: Refusal) -> Exception:
    """What the API says of it."""
    match refusal:
        case Gone():
            return Http404()
        case TenantGone():
            return refused()
        case Taken(field=field):
            detail = f"Another record has this {field}."
            return Conflict(detail, [Fault("taken", detail, pointer=f"/{field}")])
        case InUse(books=books):
            return Conflict(f"{books} {'book refers' if books == 1 else 'books refer'} to it.")
        case UnknownReference(field=field, positions=positions):
            places = [f"/{field}/{position}" for position in positions] or [f"/{field}"]
            return InvalidFields(
                [Fault("unknown", "There is no such record.", pointer=place) for place in places]
            )
        case Unidentified():
            detail = "A book needs an ISBN or a reference."
            return InvalidFields([Fault("required", detail, pointer="/isbn")])
        case StaleVersion():
            return PreconditionFailed("The record is not as If-Match names it: read it again.")
    return refusal


class WritingView(TenantView):
    """Writes are an editor's. What the catalogue refuses becomes a problem document."""

    roles: ClassVar = dict.fromkeys(("POST", "PUT", "PATCH", "DELETE"), Role.EDITOR)

    def handle_exception(self, exc: Exception) -> Response:
        return super().handle_exception(problem_of(exc) if isinstance(exc, Refusal) else exc)


@dataclass(frozen=True)
class Resource:
    """A kind of record: what it is called, and its shapes in a list, by itself, and written."""

    noun: str
    item: Serializer
    reader: Serializer
    writer: Serializer
    item_example: Mapping[str, Any]
    example: Mapping[str, Any]
    written_example: Mapping[str, Any]


class ListView(WritingView):
    """A list, and what is added to it. `If-Match` on a POST means nothing: nothing is replaced."""

    listing: ClassVar[Listing]
    resource: ClassVar[Resource]

    @classmethod
    def cached(cls) -> Cached:
        return Cached(unless=partial(ends_where_settled, cls.listing), defaults=SAYING_NOTHING)

    @classmethod
    def described(cls) -> Mapping[str, Operation]:
        resource, names = cls.resource, cls.listing.name
        return {
            "GET": listed(
                cls.listing,
                resource.item,
                summary=f"A page of {names}",
                example=resource.item_example,
            ),
            "POST": Operation(
                f"create_{resource.noun}",
                f"A new {resource.noun}",
                takes=resource.writer,
                gives=resource.reader,
                status=HTTPStatus.CREATED,
                refusals=frozenset({HTTPStatus.CONFLICT}),
                asks=resource.written_example,
                answers=resource.example,
            ),
        }

    def get(self, request: Request) -> Response:
        return Response(answer(self.listing, request._request))

    def post(self, request: Request) -> Response:
        refuse_parameters(request)
        return created(request, self.resource, request.data, path=request.path)


def created(request: Request, resource: Resource, data: Any, *, path: str) -> Response:
    """Makes a record of the data, under the list's path. Raises ValidationError and Refusal."""
    writer = resource.writer(data=data)
    writer.is_valid(raise_exception=True)
    record = writer.save()
    return VersionedResponse(
        resource.reader(record).data,
        version=record.version,
        status=HTTPStatus.CREATED,
        headers={"Location": request.build_absolute_uri(f"{path}/{record.id}")},
    )


class RecordView(WritingView):
    """One record: read, replaced (PUT), changed (PATCH), deleted; the last three with `If-Match`.

    A record that is not there is a 404 before anything else is looked at, then comes a stale
    version (412), then the body (RFC 9110, section 13.2.1).
    """

    model: ClassVar[type[Any]]
    resource: ClassVar[Resource]
    refusals_of_delete: ClassVar[frozenset[HTTPStatus]] = frozenset({HTTPStatus.CONFLICT})

    @classmethod
    def described(cls) -> Mapping[str, Operation]:
        noun = cls.resource.noun
        read = Operation(
            f"get_{noun}", f"One {noun}", gives=cls.resource.reader, answers=cls.resource.example
        )
        changed = replace(
            read,
            name=f"change_{noun}",
            summary="Changes what is named",
            takes=cls.resource.writer,
            versioned=True,
            refusals=frozenset({HTTPStatus.CONFLICT}),
        )
        return {
            "GET": read,
            "PUT": replace(
                changed,
                name=f"replace_{noun}",
                summary=f"Replaces the {noun}: what is left out becomes null",
                asks=cls.resource.written_example,
            ),
            "PATCH": changed,
            "DELETE": Operation(
                f"delete_{noun}",
                f"Deletes the {noun}",
                status=HTTPStatus.NO_CONTENT,
                versioned=True,
                refusals=cls.refusals_of_delete,
            ),
        }

    def rows(self) -> QuerySet[Any]:
        """What is read."""
        rows: QuerySet[Any] = self.model.objects.for_listing()
        return rows

    def remove(self, record: Any, versions: Versions) -> None:
        """Deletes it."""
        raise NotImplementedError

    def get(self, request: Request, record_id: UUID) -> Response:
        refuse_parameters(request)
        return self._answer(get_object_or_404(self.rows(), id=record_id))

    def put(self, request: Request, record_id: UUID) -> Response:
        return self._write(request, record_id, partial=False)

    def patch(self, request: Request, record_id: UUID) -> Response:
        return self._write(request, record_id, partial=True)

    def delete(self, request: Request, record_id: UUID) -> Response:
        record, versions = self._find(request, record_id)
        self.remove(record, versions)
        return Response(status=HTTPStatus.NO_CONTENT)

    def _find(self, request: Request, record_id: UUID) -> tuple[Any, Versions]:
        refuse_parameters(request)
        record = get_object_or_404(self.model.objects.living(), id=record_id)
        versions = versions_wanted(request)
        check_version(record, versions)  # and once more when it is locked
        return record, versions

    def _write(self, request: Request, record_id: UUID, *, partial: bool) -> Response:
        record, versions = self._find(request, record_id)
        writer = self.resource.writer(record, data=request.data, partial=partial)
        writer.is_valid(raise_exception=True)
        return self._answer(writer.save(versions=versions))

    def _answer(self, record: Any) -> Response:
        return VersionedResponse(self.resource.reader(record).data, version=record.version)
