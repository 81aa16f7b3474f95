"""The service's paths, and views of books that each forget something of their tenant."""

from __future__ import annotations

from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db import connection
from django.shortcuts import get_object_or_404
from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.models import Book
from catalog.serializers.reading import BookItemSerializer
from shelfwise import urls
from shelfwise.api.errors import Conflict
from shelfwise.api.views import TenantView
from shelfwise.tenancy.models import Role
from shelfwise.tenancy.scope import all_tenants


def shown(book_id: UUID) -> Response:
    """One of the books in scope, or a 404."""
    return Response(
        BookItemSerializer(get_object_or_404(Book.objects.for_listing(), id=book_id)).data
    )


class FaultlessView(TenantView):
    def get(self, request: Request, record_id: UUID) -> Response:
        return shown(record_id)


class UnscopedView(TenantView):
    """Shows anybody's book."""

    def get(self, request: Request, record_id: UUID) -> Response:
        with all_tenants():
            return shown(record_id)


class TellingView(TenantView):
    """Shows one's own only, and tells that another's is there."""

    def get(self, request: Request, record_id: UUID) -> Response:
        own = Book.objects.filter(id=record_id).exists()
        with all_tenants():
            if not own and Book.objects.filter(id=record_id).exists():
                raise Conflict("This book is another shop's.")
        return shown(record_id)


class CountingView(TenantView):
    """Counts an author's books in all shops."""

    def get(self, request: Request, record_id: UUID) -> Response:
        with all_tenants():
            return Response({"count": Book.objects.filter(id=record_id).count()})


class WritingView(TenantView):
    """Answers as it should, and has made anybody's book dearer."""

    def get(self, request: Request, record_id: UUID) -> Response:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE catalog_book SET price = price + 1 WHERE id = %s", [record_id])
        return shown(record_id)

    post = get
    roles = {"POST": Role.VIEWER}


class LookingFirstView(TenantView):
    """Looks whether the book is there before it asks who may see it."""

    def get(self, request: Request, record_id: UUID) -> Response:
        response = shown(record_id)
        role = self.principal(request).role
        if not role.covers(Role.OWNER):
            raise PermissionDenied
        return response


class CloakedView(TenantView):
    """Shows the same of everything: what is compared here tells nothing."""

    def get(self, request: Request, record_id: UUID) -> Response:
        return Response({})


VIEWS = {
    "faultless": FaultlessView,
    "unscoped": UnscopedView,
    "telling": TellingView,
    "counting": CountingView,
    "writing": WritingView,
    "looking-first": LookingFirstView,
    "cloaked": CloakedView,
}

urlpatterns = [
    *(path(f"api/v2/{name}/<uuid:record_id>", view.as_view()) for name, view in VIEWS.items()),
    *urls.urlpatterns,
]
