"""`/api/v2/api-keys`: keys for machines, looked after by the tenant's owners.

A new key's text is in one answer and kept nowhere, so no `Idempotency-Key` is taken: whoever lost
the answer revokes that key, which was never used, and makes another.
"""

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, ClassVar
from uuid import UUID

from django.db import transaction
from django.db.models import CharField, DateTimeField, QuerySet
from django.shortcuts import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from shelfwise.api.conditional import VersionedResponse, versions_wanted
from shelfwise.api.errors import Conflict, PreconditionFailed
from shelfwise.api.listing import Filter, Listing, Ordering
from shelfwise.api.openapi.operations import Operation, listed
from shelfwise.api.paging import answer
from shelfwise.api.parameters import one_of, refuse_parameters
from shelfwise.api.serializers import read_body
from shelfwise.api.views import TenantView
from shelfwise.auth.keyring import (
    COUNTS,
    IssuedKey,
    KeyRefusal,
    issue_key,
    revoke_key,
    rotate_key,
)
from shelfwise.auth.serializers import (
    ApiKeySerializer,
    ApiKeyWriter,
    IssuedKeySerializer,
    RotationWriter,
)
from shelfwise.tenancy.models import ApiKey, Role

PATH = "/api/v2/api-keys"
_SHOWN = tuple(ApiKeySerializer.Meta.fields)
_ASKED = {"name": "Warehouse", "role": "clerk"}
_KEY = {
    "id": "0192f0c8-3b2c-7d3e-8f40-5a6b7c8d9e0f",
    **_ASKED,
    "created_at": "2026-01-31T12:00:00Z",
    "expires_at": None,
    "rotated_at": None,
    "last_used_at": "2026-02-01T08:30:00Z",
}
_ISSUED = {**_KEY, "last_used_at": None, "key": "swk_0192f0c83b2c7d3e8f405a6b7c8d9e0f_…"}

API_KEYS = Listing(
    name="api_keys",
    queryset=lambda: ApiKey.objects.all(),
    columns={name: name for name in _SHOWN},
    orderings={
        "-created_at": Ordering(
            "created_at",
            DateTimeField(),
            descending=True,
            to_text=datetime.isoformat,
            from_text=datetime.fromisoformat,
        )
    },
    default_ordering="-created_at",
    filters={
        "active": Filter(
            one_of(("true",)).saying("Only those that count."), lambda _: COUNTS, CharField()
        )
    },
    choosing=False,
)


class KeyView(TenantView):
    """Keys are the owners': to read too. What is refused becomes a problem document."""

    def role_needed(self, method: str) -> Role:
        return Role.OWNER

    def handle_exception(self, exc: Exception) -> Response:
        return super().handle_exception(Conflict(str(exc)) if isinstance(exc, KeyRefusal) else exc)


class ApiKeysView(KeyView):
    operations = {
        "GET": listed(API_KEYS, ApiKeySerializer, summary="API keys, newest first", example=_KEY),
        "POST": Operation(
            "create_api_key",
            "Makes an API key, which is told this once",
            takes=ApiKeyWriter,
            gives=IssuedKeySerializer,
            status=HTTPStatus.CREATED,
            refusals=frozenset({HTTPStatus.CONFLICT}),
            asks=_ASKED,
            answers=_ISSUED,
        ),
    }

    def get(self, request: Request) -> Response:
        """A page of keys, newest first, those that ended too. One query; a second for `count`."""
        return Response(answer(API_KEYS, request._request))

    def post(self, request: Request) -> Response:
        """A new key. Three queries."""
        refuse_parameters(request)
        given = read_body(ApiKeyWriter, request.data)
        issued = issue_key(
            name=given["name"],
            role=Role(given["role"]),
            expires_at=given.get("expires_at"),
            made_by=self.principal(request).subject,
        )
        return _told(request, issued)


class ApiKeyView(KeyView):
    operations: ClassVar = {
        "GET": Operation("get_api_key", "One API key", gives=ApiKeySerializer, answers=_KEY),
        "DELETE": Operation(
            "revoke_api_key",
            "Revokes an API key: it counts no more, within 60 seconds",
            status=HTTPStatus.NO_CONTENT,
            versioned=True,
        ),
    }

    def get(self, request: Request, key_id: UUID) -> Response:
        """One key. One query."""
        refuse_parameters(request)
        key = get_object_or_404(ApiKey.objects, id=key_id)
        return VersionedResponse(_shape(key), version=key.version)

    def delete(self, request: Request, key_id: UUID) -> Response:
        """Revokes it; of one that has ended nothing changes. Two queries."""
        refuse_parameters(request)
        with transaction.atomic():
            key = _held(request, key_id, ApiKey.objects.select_for_update(no_key=True))
            revoke_key(key=key, revoked_by=self.principal(request).subject)
        return Response(status=HTTPStatus.NO_CONTENT)


class RotateView(KeyView):
    operations = {
        "POST": Operation(
            "rotate_api_key",
            "Makes a key like this one, which goes on for a while and then ends by itself",
            takes=RotationWriter,
            gives=IssuedKeySerializer,
            status=HTTPStatus.CREATED,
            refusals=frozenset({HTTPStatus.CONFLICT}),
            versioned=True,
            asks={"overlap_seconds": 3600},
            answers=_ISSUED,
        )
    }

    def post(self, request: Request, key_id: UUID) -> Response:
        """The new key, of the same name, role and end. Six queries."""
        refuse_parameters(request)
        key = _held(request, key_id, ApiKey.objects.all())
        given = read_body(RotationWriter, request.data)
        issued = rotate_key(
            key=key,
            made_by=self.principal(request).subject,
            overlap=timedelta(seconds=given["overlap_seconds"]),
        )
        return _told(request, issued)


def _held(request: Request, key_id: UUID, keys: QuerySet[ApiKey]) -> ApiKey:
    """The key, if it is as `If-Match` names it. Raises Http404, PreconditionFailed."""
    key = get_object_or_404(keys, id=key_id)
    versions = versions_wanted(request)
    if versions is not None and key.version not in versions:
        raise PreconditionFailed("The key is not as If-Match names it: read it again.")
    return key


def _told(request: Request, issued: IssuedKey) -> Response:
    place = request.build_absolute_uri(f"{PATH}/{issued.key.id}")
    return VersionedResponse(
        {**_shape(issued.key), "key": issued.text},
        version=issued.key.version,
        status=HTTPStatus.CREATED,
        headers={"Location": place},
    )


def _shape(key: ApiKey) -> dict[str, Any]:
    return {name: getattr(key, name) for name in _SHOWN}
