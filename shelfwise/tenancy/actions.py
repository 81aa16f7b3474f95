"""What operators do to tenants and people. Every way in (commands, admin, demo) calls these."""

from typing import TypedDict, Unpack

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from shelfwise.auth.sessions import end_sessions_of
from shelfwise.tenancy.models import Role, Tenant, User


class UserFields(TypedDict, total=False):
    """What can be changed of somebody. `is_staff`: whether they may use the admin."""

    role: Role
    is_active: bool
    is_staff: bool


def create_tenant(*, slug: str, name: str, currency: str = "EUR") -> Tenant:
    """Raises ValidationError: a taken or malformed slug, or a currency not in ISO 4217's form."""
    tenant = Tenant(slug=slug, name=name, currency=currency)
    tenant.full_clean()
    tenant.save(force_insert=True)
    return tenant


def rename_tenant(*, tenant: Tenant, name: str) -> None:
    """Raises ValidationError."""
    tenant.name = name
    tenant.clean_fields()
    tenant.save(update_fields=["name"])


def create_user(
    *, tenant: Tenant, username: str, role: Role, password: str, is_staff: bool = True
) -> User:
    """A member of the tenant who may log in to the API and, as staff, to the admin.

    Raises ValidationError for a taken username or a weak password.
    """
    user = User(tenant=tenant, username=username, role=role, is_staff=is_staff)
    return _save_with_password(user, password)


def change_user(*, user: User, **fields: Unpack[UserFields]) -> None:
    """Somebody with another role, shut out, or let in. They are logged out of the API.

    Raises ValidationError when the tenant would lose its last owner who may log in.
    """
    with transaction.atomic():
        # Two owners who shut each other out at once: one of them has to wait, and to see.
        if user.tenant is not None:
            Tenant.objects.select_for_update(no_key=True).get(id=user.tenant.id)
        current = User.objects.get(id=user.id)
        was_owner = current.role == Role.OWNER and current.is_active
        for name, value in fields.items():
            setattr(current, name, value)
        current.full_clean(validate_unique=False)
        current.save(update_fields=list(fields))
        if was_owner and user.tenant is not None:
            _refuse_without_owner(user.tenant)
        end_sessions_of(current)


def set_password(*, user: User, password: str) -> None:
    """Who is logged in with the old one is out. Raises ValidationError for a weak password."""
    validate_password(password, user)
    user.set_password(password)
    with transaction.atomic():
        user.save(update_fields=["password"])
        end_sessions_of(user)


def create_operator(*, username: str, password: str) -> User:
    """A platform operator: no tenant, no token, everything in the admin."""
    user = User(username=username, is_staff=True, is_superuser=True)
    return _save_with_password(user, password)


def suspend_tenant(tenant: Tenant) -> None:
    """Shuts the tenant out: logins at once, tokens within 60 s. Again: changes nothing."""
    if tenant.suspended_at is None:
        tenant.suspended_at = timezone.now()
        tenant.save(update_fields=["suspended_at"])


def resume_tenant(tenant: Tenant) -> None:
    """Lets a suspended tenant back in; tokens that have not expired count again."""
    tenant.suspended_at = None
    tenant.save(update_fields=["suspended_at"])


def _refuse_without_owner(tenant: Tenant) -> None:
    if not User.objects.filter(tenant=tenant, role=Role.OWNER, is_active=True).exists():
        raise ValidationError("This is the last owner: make another one first.", code="last_owner")


def _save_with_password(user: User, password: str) -> User:
    validate_password(password, user)
    user.set_password(password)
    user.full_clean()
    user.save(force_insert=True)
    return user
