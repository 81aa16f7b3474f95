"""Roles at the door of each view."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.exceptions import NotAuthenticated, PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from shelfwise.auth.principal import Principal
from shelfwise.tenancy.models import Role

if TYPE_CHECKING:
    # rest_framework.views reads the settings that name this module.
    from rest_framework.views import APIView


class RolePermission(BasePermission):
    """Lets a principal in whose role covers what the view needs; names that role otherwise.

    A view that names no role needs an owner.
    """

    def has_permission(self, request: Request, view: APIView) -> bool:
        principal = request.user
        if not isinstance(principal, Principal):
            raise NotAuthenticated
        if not hasattr(view, (request.method or "").lower()):
            return True  # nobody may: the view answers 405
        role_needed = getattr(view, "role_needed", lambda method: Role.OWNER)
        needed: Role = role_needed(request.method)
        if not principal.role.covers(needed):
            raise PermissionDenied(
                f"This needs the role {needed.value}; yours is {principal.role.value}."
            )
        return True
