"""What operators do to tenants and people. Every way in (commands, admin, demo) calls these."""

from django.contrib.auth.password_validation import validate_password
from django.utils import timezone

from shelfwise.tenancy.models import Role, Tenant, User


def create_tenant(*, slug: str, name: str, currency: str = "EUR") -> Tenant:
    """Raises ValidationError: a taken or malformed slug, or a currency not in ISO 4217's form."""
    tenant = Tenant(slug=slug, name=name, currency=currency)
    tenant.full_clean()
    tenant.save(force_insert=True)
    return tenant


def create_user(*, tenant: Tenant, username: str, role: Role, password: str) -> User:
    """A member of the tenant who may log in to the API and, as staff, to the admin.

    Raises ValidationError for a taken username or a weak password.
    """
    user = User(tenant=tenant, username=username, role=role, is_staff=True)
    return _save_with_password(user, password)


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


def _save_with_password(user: User, password: str) -> User:
    validate_password(password, user)
    user.set_password(password)
    user.full_clean()
    user.save(force_insert=True)
    return user
