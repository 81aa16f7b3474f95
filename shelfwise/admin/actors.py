"""Who did what: the names that pages show."""

from django.db.models import Case, CharField, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Cast, Coalesce, Concat

from shelfwise.tenancy.models import ApiKey, User


def name_of_actor(column: str = "actor") -> Coalesce:
    """What is shown of who stands in a row's `column`: the username, where it is one of the
    tenant's people, the name of an API key of the tenant's; operators stay nameless. What is no id
    of these is shown as it is.
    """
    people = User.objects.annotate(subject=Cast("id", CharField())).filter(
        Q(tenant_id=OuterRef("tenant_id")) | Q(tenant_id__isnull=True), subject=OuterRef(column)
    )
    name = Case(When(tenant_id__isnull=True, then=Value("an operator")), default=F("username"))
    return Coalesce(Subquery(people.values_list(name)[:1]), Subquery(_keys(column)), F(column))


def _keys(column: str) -> QuerySet[ApiKey, str]:
    keys = ApiKey.objects.annotate(subject=Cast("id", CharField()))
    name = Concat(Value("API key "), F("name"))
    return keys.filter(subject=OuterRef(column)).values_list(name, flat=True)[:1]
