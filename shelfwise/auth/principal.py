"""Who a request comes from, as its token tells: known without a query."""

from dataclasses import dataclass, field
from typing import ClassVar
from uuid import UUID

from shelfwise.tenancy.models import Role


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody or something of a tenant, with a role. `subject` is the token's `sub`; of an API key
    its id.

    `login` stays the same while a login is prolonged: the token's `sid`; of one that belongs to no
    login its `jti`; of an API key its id.
    """

    tenant_id: UUID
    role: Role
    subject: str
    login: str = field(compare=False)

    is_authenticated: ClassVar[bool] = True  # what DRF asks of a user
