"""Who asks for a page of the admin, in which tenant, and with which role there."""

from django.http import HttpRequest

from shelfwise.tenancy.models import Role, Tenant, User

CHOSEN_TENANT = "tenant"
"""Where an operator's session keeps the id of the tenant that they chose."""


def find_tenant(request: HttpRequest) -> Tenant | None:
    """The tenant of the person who is logged in; of an operator, the one they chose, if it exists.

    One query for an operator who has chosen, none else.
    """
    user = request.user
    if not isinstance(user, User):
        return None
    if not user.is_operator:
        return user.tenant
    chosen = request.session.get(CHOSEN_TENANT)
    return Tenant.objects.filter(id=chosen).first() if chosen else None


def tenant_of(request: HttpRequest) -> Tenant | None:
    """The tenant that this request is for, as the middleware found it."""
    tenant: Tenant | None = getattr(request, "tenant", None)
    return tenant


def is_operator(request: HttpRequest) -> bool:
    return isinstance(request.user, User) and request.user.is_operator


def role_of(request: HttpRequest) -> Role | None:
    """The role in the tenant that the request is for; an operator may do all that an owner may."""
    user, tenant = request.user, tenant_of(request)
    if tenant is None or not isinstance(user, User):
        return None
    if user.is_operator:
        return Role.OWNER
    return Role(user.role) if user.tenant_id == tenant.id else None


def covers(request: HttpRequest, needed: Role | None) -> bool:
    """Whether the role in this tenant covers the one that is needed; None is nobody's."""
    role = role_of(request)
    return role is not None and needed is not None and role.covers(needed)
