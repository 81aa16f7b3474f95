"""Who did what: the names that pages show."""

from django.db.models import Case, CharField, F, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Cast, Coalesce

from shelfwise.tenancy.models import User


def name_of_actor() -> Coalesce:
    """The username of a row's `actor`, where it is one of the tenant's people; operators stay
    nameless, and what is no person's id is shown as it is.
    """
    people = User.objects.annotate(subject=Cast("id", CharField())).filter(
        Q(tenant_id=OuterRef("tenant_id")) | Q(tenant_id__isnull=True), subject=OuterRef("actor")
    )
    name = Case(When(tenant_id__isnull=True, then=Value("an operator")), default=F("username"))
    return Coalesce(Subquery(people.values_list(name)[:1]), F("actor"))
