"""Who a request comes from, as its token tells: known without a query."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from shelfwise.tenancy.models import Role


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody or something of a tenant, with a role. `subject` is the token's `sub`."""

    tenant_id: UUID
    role: Role
    subject: str

    is_authenticated: ClassVar[bool] = True  # what DRF asks of a user
