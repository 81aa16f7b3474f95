"""What the operators' commands share: finding a tenant, and saying what is wrong in one line."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.exceptions import ValidationError
from django.core.management import CommandError

from shelfwise.tenancy.models import Tenant


def tenant_named(slug: str) -> Tenant:
    """Raises CommandError when there is none."""
    try:
        return Tenant.objects.get(slug=slug)
    except Tenant.DoesNotExist:
        raise CommandError(f"There is no tenant {slug!r}. `create_tenant` makes one.") from None


@contextmanager
def plain_errors() -> Iterator[None]:
    """Turns a ValidationError into one line that names the field."""
    try:
        yield
    except ValidationError as error:
        if hasattr(error, "message_dict"):
            faults = [f"{name}: {' '.join(texts)}" for name, texts in error.message_dict.items()]
        else:
            faults = error.messages
        raise CommandError("; ".join(faults)) from None
