"""The bodies and answers of webhooks: endpoints, and what was sent to them."""

from typing import Any

from rest_framework import serializers

from orders.lifecycle import Happening
from orders.models import DeliveryState
from orders.models.webhooks import MAX_NAME_LENGTH, MAX_URL_LENGTH
from shelfwise.api.parameters import one_of
from shelfwise.api.serializers import BoundedListField, ParsedField, StrictSerializer, TextField
from shelfwise.names import ONE_LINE


class TruthField(serializers.BooleanField):
    """true or false. DRF's own takes "yes", "off" and 1 too."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=str(data)[:40])
        return data


def _events() -> BoundedListField:
    """None named: everything, what is new some day too."""
    return BoundedListField(
        child=ParsedField(one_of(Happening.values)), max_length=len(Happening), required=False
    )


class EndpointWriter(StrictSerializer):
    """Where to, and what is told: all of it, unless `events` names some."""

    name = TextField(max_length=MAX_NAME_LENGTH, validators=[ONE_LINE])
    url = TextField(max_length=MAX_URL_LENGTH)
    events = _events()


class EndpointChanger(StrictSerializer):
    """What is to be another one. An endpoint that is enabled again starts anew."""

    name = TextField(max_length=MAX_NAME_LENGTH, required=False, validators=[ONE_LINE])
    url = TextField(max_length=MAX_URL_LENGTH, required=False)
    events = _events()
    enabled = TruthField(required=False)


class NothingWriter(StrictSerializer):
    """Nothing has to be said."""


class EndpointSerializer(serializers.Serializer[Any]):
    """A URL that is told what happens: everything, where `events` is empty.

    `failing_since` is null while it answers. One that fails for days is no longer `enabled`, and
    `disabled_reason` says why. Until `old_secret_until` the secret before signs too.
    """

    id = serializers.UUIDField()
    name = serializers.CharField()
    url = serializers.CharField()
    events = serializers.ListField(child=serializers.ChoiceField(Happening.choices))
    enabled = serializers.BooleanField()
    disabled_at = serializers.DateTimeField(allow_null=True)
    disabled_reason = serializers.CharField(allow_null=True)
    failing_since = serializers.DateTimeField(allow_null=True)
    last_problem = serializers.CharField(allow_null=True)
    old_secret_until = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class SecretEndpointSerializer(EndpointSerializer):
    """An endpoint with its new secret, told this once: what verifies its messages, as Standard
    Webhooks has it.
    """

    secret = serializers.CharField()


class TestSerializer(serializers.Serializer[Any]):
    """The event that is on its way, by the id that it is sent with."""

    event_id = serializers.UUIDField()


class EventSerializer(serializers.Serializer[Any]):
    """What happened. `id` is the `webhook-id` of each time it is sent."""

    id = serializers.UUIDField()
    type = serializers.ChoiceField(Happening.choices)
    created_at = serializers.DateTimeField()
    data = serializers.DictField()  # type: ignore[assignment]  # an attribute of DRF's too


class AttemptSerializer(serializers.Serializer[Any]):
    """One time that it was sent: the `seconds` it took, to the millisecond, the answer's `status`,
    if one came, and what was wrong, if it was.
    """

    begun_at = serializers.DateTimeField()
    seconds = serializers.FloatField()
    status = serializers.IntegerField(allow_null=True)
    problem = serializers.CharField(allow_null=True)


class DeliverySerializer(serializers.Serializer[Any]):
    """An event on its way to an endpoint. While it is `pending`, it is sent at `due_at` again; one
    that has waited for a day has `failed`. `attempts` counts since it was last replayed; `log` has
    the latest of all, oldest first.
    """

    id = serializers.UUIDField()
    event = EventSerializer()
    state = serializers.ChoiceField(DeliveryState.choices)
    attempts = serializers.IntegerField()
    due_at = serializers.DateTimeField(allow_null=True)
    delivered_at = serializers.DateTimeField(allow_null=True)
    log = AttemptSerializer(many=True)
