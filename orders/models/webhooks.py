"""What tenants' systems are told: where to, what, and whether it arrived.

The database writes events and their deliveries with the change that they tell of, in its
transaction (migration 0004). Each index names the query it serves.
"""

from typing import ClassVar, Final, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from catalog.models import version_at
from orders.lifecycle import Happening
from orders.querysets import DeliveryQuerySet
from shelfwise.db import TenantForeignKey
from shelfwise.ids import uuid7
from shelfwise.names import ONE_LINE
from shelfwise.tenancy.managers import TenantManager
from shelfwise.tenancy.models import TenantDetail, TenantOwned

DeliveryManager = TenantManager.from_queryset(DeliveryQuerySet)

MAX_NAME_LENGTH: Final = 100
MAX_URL_LENGTH: Final = 500
MOST_ENDPOINTS: Final = 20
"""Of one tenant: each event is told to all of them."""


class Endpoint(TenantOwned):
    """A URL of a tenant's system that is told what happens. `events` empty: everything.

    Its secret is not kept: it is made anew from its seed and the service's own key, and shown when
    it is new (`orders.webhooks.secrets`). While it fails, `failures` in a row, nothing is sent
    before `retry_at`.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=MAX_NAME_LENGTH, validators=[ONE_LINE])
    url = models.CharField(max_length=MAX_URL_LENGTH)
    events = ArrayField(models.CharField(max_length=30), default=list)
    seed = models.CharField(max_length=32, editable=False)
    seed_check = models.CharField(max_length=16, editable=False)
    old_seed = models.CharField(max_length=32, editable=False, default="")
    old_seed_until = models.DateTimeField(null=True, editable=False)
    failing_since = models.DateTimeField(null=True, editable=False)
    failed_at = models.DateTimeField(null=True, editable=False)
    failures = models.PositiveIntegerField(default=0, editable=False)
    retry_at = models.DateTimeField(null=True, editable=False)
    last_problem = models.CharField(max_length=300, editable=False, default="")
    disabled_at = models.DateTimeField(null=True, editable=False)
    disabled_reason = models.CharField(max_length=300, editable=False, default="")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta(TenantOwned.Meta):
        constraints = [
            # GET /webhooks; and the endpoints of an event.
            models.UniqueConstraint(fields=["tenant", "id"], name="endpoint_tenant_id"),
            models.CheckConstraint(
                condition=Q(events__contained_by=Happening.values), name="endpoint_events_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_on(self) -> bool:
        return self.disabled_at is None

    def save_facts(self) -> None:
        """Writes all but its keys. Named in an UPDATE they would be locked as if they changed
        (there is a trigger), and each order that it is told of would wait for this, and this for
        each order.
        """
        keys = {"tenant", "id"}
        self.save(update_fields=[each.name for each in self._meta.fields if each.name not in keys])

    @property
    def version(self) -> str:
        """What a writer has read: another one after each change of what can be said of it."""
        return version_at(self.updated_at)


class Event(TenantOwned):
    """Something that happened. Its id is the `webhook-id` of each time it is sent."""

    id = models.UUIDField(primary_key=True, editable=False)
    type = models.CharField(max_length=30, editable=False)
    data = models.JSONField(editable=False)
    created_at = models.DateTimeField(editable=False)

    class Meta(TenantOwned.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "id"], name="event_tenant_id")]
        indexes = [
            # Forgetting what was long ago.
            models.Index(fields=["created_at"], name="event_age")
        ]

    def __str__(self) -> str:
        return self.type


class DeliveryState(models.TextChoices):
    """`failed`: given up. Whoever replays it makes it pending once more."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class Delivery(TenantDetail):
    """An event on its way to an endpoint. It is tried from `due_at` on, until a day after
    `begun_at`. Whoever sends it has it to themselves until `claimed_until`.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    event = models.ForeignKey(
        Event, on_delete=models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    endpoint = models.ForeignKey(
        Endpoint, on_delete=models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    state = models.CharField(max_length=9, choices=DeliveryState, db_default=DeliveryState.PENDING)
    attempts = models.PositiveIntegerField(db_default=0, editable=False)
    due_at = models.DateTimeField(db_default=Now(), editable=False)
    claimed_until = models.DateTimeField(null=True, editable=False)
    begun_at = models.DateTimeField(db_default=Now(), editable=False)
    delivered_at = models.DateTimeField(null=True, editable=False)

    objects: ClassVar["DeliveryManager[Self]"] = DeliveryManager()

    class Meta(TenantDetail.Meta):
        verbose_name_plural = "deliveries"
        constraints = [
            TenantForeignKey(field="event", name="delivery_event_of_tenant"),
            TenantForeignKey(field="endpoint", name="delivery_endpoint_of_tenant"),
            models.UniqueConstraint(fields=["tenant", "id"], name="delivery_tenant_id"),
            models.CheckConstraint(
                condition=Q(state__in=DeliveryState.values), name="delivery_state_known"
            ),
        ]
        indexes = [
            # GET /webhooks/{id}/deliveries: newest first.
            models.Index(fields=["tenant", "endpoint", "-id"], name="delivery_log"),
            # The next one to send; few of all are pending. With the time, so that what waits
            # for its turn is passed over in the index.
            models.Index(
                fields=["tenant", "endpoint", "attempts", "id", "due_at"],
                condition=Q(state="pending"),
                name="delivery_pending",
            ),
            # How many are being sent just now.
            models.Index(
                fields=["tenant", "endpoint"],
                condition=Q(state="pending", claimed_until__isnull=False),
                name="delivery_claimed",
            ),
            # The same list of those that were given up, which are few.
            models.Index(
                fields=["tenant", "endpoint", "-id"],
                condition=Q(state="failed"),
                name="delivery_failed",
            ),
            # Deleting an event.
            models.Index(fields=["event"], name="delivery_of_event"),
        ]

    def __str__(self) -> str:
        return f"{self.event_id} → {self.endpoint_id}"


class Attempt(TenantDetail):
    """One time that a delivery was sent, and how it went. `status` is that of the answer, if one
    came; `seconds` how long it took.
    """

    id = models.BigAutoField(primary_key=True)
    delivery = models.ForeignKey(
        Delivery, on_delete=models.CASCADE, related_name="log", db_constraint=False, db_index=False
    )
    begun_at = models.DateTimeField(editable=False)
    seconds = models.FloatField(editable=False)
    status = models.PositiveSmallIntegerField(null=True, editable=False)
    problem = models.CharField(max_length=300, editable=False, default="")

    class Meta(TenantDetail.Meta):
        constraints = [TenantForeignKey(field="delivery", name="attempt_delivery_of_tenant")]
        indexes = [
            # The log of a delivery, oldest first.
            models.Index(fields=["tenant", "delivery", "id"], name="attempt_of_delivery")
        ]

    def __str__(self) -> str:
        return self.problem or str(self.status)
