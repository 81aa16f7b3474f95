"""Tenants, users and their sessions, and the base of every tenant-owned model."""

from typing import Any

from django.contrib.auth.models import AbstractUser
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Now

from shelfwise.ids import uuid7
from shelfwise.names import ONE_LINE
from shelfwise.tenancy.announcing import AnnouncingQuerySet, announce
from shelfwise.tenancy.managers import TenantManager
from shelfwise.tenancy.scope import NoTenantScope, scope_filter

_Deleted = tuple[int, dict[str, int]]


class Role(models.TextChoices):
    """What a person may do, from least to most; each may do all that the ones before may."""

    VIEWER = "viewer"
    CLERK = "clerk"
    EDITOR = "editor"
    OWNER = "owner"

    def covers(self, needed: "Role") -> bool:
        """Whether this role may do what `needed` may."""
        ladder = list(Role)
        return ladder.index(self) >= ladder.index(needed)


class TenantQuerySet(AnnouncingQuerySet["Tenant"]):
    """Tenants are in no tenant's scope: which ones change is looked up first."""

    def update(self, **kwargs: Any) -> int:
        ids = list(self.values_list("id", flat=True))
        changed = models.QuerySet.update(self, **kwargs)
        for each in ids:
            announce(Tenant, tenant_id=each)
        return changed


class Tenant(models.Model):
    """A shop or distributor. All its prices are in its currency."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    slug = models.SlugField(max_length=50, unique=True)
    name = models.CharField(max_length=200)
    currency = models.CharField(
        max_length=3,
        default="EUR",
        validators=[RegexValidator(r"^[A-Z]{3}\Z", "An ISO 4217 code: three capital letters.")],
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    suspended_at = models.DateTimeField(null=True, blank=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(currency__regex=r"^[A-Z]{3}$"), name="tenant_currency_iso4217"
            )
        ]

    def __str__(self) -> str:
        return self.slug


class User(AbstractUser):
    """Somebody of a tenant, with a role; or a platform operator, with neither."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, null=True, blank=True)
    role = models.CharField(max_length=10, choices=Role, blank=True)

    class Meta(AbstractUser.Meta):
        constraints = [
            models.CheckConstraint(
                condition=models.Q(tenant__isnull=True, role="")
                | models.Q(tenant__isnull=False, role__in=Role.values, is_superuser=False),
                name="user_has_tenant_and_role_or_neither",
                violation_error_message="A tenant's user has a role and is no superuser.",
            )
        ]

    @property
    def is_operator(self) -> bool:
        """Whether this is somebody of the platform, who looks after every tenant."""
        return self.tenant is None and self.is_superuser

    @property
    def may_log_in(self) -> bool:
        """Whether this is an operator or of a tenant, and neither is suspended."""
        if self.tenant is None:
            return self.is_active and self.is_superuser
        return self.is_active and self.tenant.suspended_at is None


class Session(models.Model):
    """One login. Its refresh token is replaced at each use; an older one ends the session."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE)
    refresh_id = models.UUIDField()
    expires_at = models.DateTimeField()


class RevokedToken(models.Model):
    """A token id (`jti`) or session id (`sid`) that no longer counts.

    Kept until `expires_at`, when the last token that carries it has expired by itself.
    """

    id = models.UUIDField(primary_key=True)
    expires_at = models.DateTimeField(db_index=True)


class TenantOwned(models.Model):
    """Base of every business row: it belongs to one tenant and is invisible outside its scope."""

    tenant = models.ForeignKey(
        Tenant, on_delete=models.PROTECT, editable=False, db_index=False, related_name="+"
    )

    objects = TenantManager()

    class Meta:
        abstract = True
        base_manager_name = "objects"

    def delete(self, using: str | None = None, keep_parents: bool = False) -> _Deleted:
        """Raises NoTenantScope unless the row is in scope: Django deletes by the key alone."""
        scope = scope_filter(type(self).__name__).get("tenant_id", self.tenant_id)
        if scope != self.tenant_id:
            raise NoTenantScope(f"{type(self).__name__} {self.pk} is not of the tenant in scope.")
        return super().delete(using, keep_parents)


class IdempotencyRecord(TenantOwned):
    """The answer to a request that carried an `Idempotency-Key`, kept in the transaction of what
    the request did. `shelfwise.api.idempotency` gives it again to whoever repeats the request.
    """

    id = models.BigAutoField(primary_key=True)
    key = models.CharField(max_length=255, db_collation="C", editable=False)
    route = models.CharField(max_length=300, editable=False)
    body_hash = models.BinaryField(max_length=32, editable=False)
    status = models.PositiveSmallIntegerField(editable=False)
    headers = models.JSONField(editable=False)
    body = models.BinaryField(editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta(TenantOwned.Meta):
        constraints = [
            # The answer to a request that is repeated; and of two at once only one is done.
            models.UniqueConstraint(fields=["tenant", "key"], name="idempotency_key")
        ]


class ApiKey(TenantOwned):
    """A machine's key: what it is called, what it may do, and a digest of its text.

    `expires_at` is when it counts no more, None never: its date, the end of its rotation's overlap,
    or when it was revoked. What a key's text is, and how it is verified: `shelfwise.auth.keys`.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=100, validators=[ONE_LINE])
    role = models.CharField(max_length=10, choices=Role)
    digest = models.BinaryField(max_length=32, editable=False)
    made_by = models.CharField(max_length=200, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    rotated_at = models.DateTimeField(null=True, editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False)

    class Meta(TenantOwned.Meta):
        verbose_name = "API key"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(role__in=Role.values), name="api_key_has_a_role"
            )
        ]
        indexes = [
            # `GET /api-keys`; who is out (docs/indexes.md)
            models.Index(fields=["tenant", "created_at", "id"], name="api_key_list"),
            models.Index(fields=["expires_at"], name="api_key_end"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def version(self) -> str:
        """No other key's, and another whenever it is decided anew when this one ends."""
        return f"{self.id.hex}.{self.expires_at.timestamp() if self.expires_at else 0}"


class TenantDetail(TenantOwned):
    """Base of rows that belong to another row of the tenant, by a `TenantForeignKey`.

    That reference ties them to a tenant which exists; looking the tenant up once more for each row
    took 6 µs, a twentieth of a load of books.
    """

    tenant = models.ForeignKey(
        Tenant,
        on_delete=models.PROTECT,
        editable=False,
        db_index=False,
        db_constraint=False,
        related_name="+",
    )

    class Meta(TenantOwned.Meta):
        abstract = True
