"""The bodies and answers of the token endpoints, and of API keys."""

from datetime import datetime
from typing import Any, ClassVar

from django.utils import timezone
from rest_framework import serializers

from shelfwise.api.parameters import instant, one_of
from shelfwise.api.serializers import (
    ParsedField,
    StrictSerializer,
    TextField,
    WholeNumberField,
)
from shelfwise.auth.keyring import LONGEST_OVERLAP, OVERLAP
from shelfwise.names import ONE_LINE
from shelfwise.tenancy.models import ApiKey, Role


class LoginSerializer(StrictSerializer):
    """Somebody's username and password."""

    username = TextField(max_length=150)
    password = TextField(max_length=1000, trim_whitespace=False)


class RefreshSerializer(StrictSerializer):
    """The refresh token of the answer before. It counts once: a second use ends the login."""

    refresh = TextField(max_length=2000)


class TokenPairSerializer(serializers.Serializer[Any]):
    """An access token for `Authorization: Bearer …`, and a refresh token for the next pair."""

    access = serializers.CharField()
    refresh = serializers.CharField()
    token_type = serializers.CharField()
    expires_in = serializers.IntegerField(help_text="The access token's life in seconds.")


class ApiKeyWriter(StrictSerializer):
    """A machine's key: what it is called, and what it may do. Without a date it does not end."""

    name = TextField(max_length=100, validators=[ONE_LINE])
    role = ParsedField(one_of(Role.values))
    expires_at = ParsedField(instant, required=False, allow_null=True)

    def validate_expires_at(self, moment: datetime | None) -> datetime | None:
        if moment is not None and moment <= timezone.now():
            raise serializers.ValidationError("A time to come is needed.", code="past")
        return moment


class RotationWriter(StrictSerializer):
    """For how many seconds the old key goes on."""

    overlap_seconds = WholeNumberField(
        min_value=0,
        max_value=int(LONGEST_OVERLAP.total_seconds()),
        default=int(OVERLAP.total_seconds()),
    )


class ApiKeySerializer(serializers.ModelSerializer[ApiKey]):
    """A key as far as anybody is told of it. It counts until `expires_at`; null: until it is
    revoked. Of one that was rotated `rotated_at` says when. Its last use is known to the minute.
    """

    class Meta:
        model = ApiKey
        fields: ClassVar = [
            *("id", "name", "role", "created_at", "expires_at", "rotated_at", "last_used_at")
        ]


class IssuedKeySerializer(ApiKeySerializer):
    """A new key. `key` is the key itself, for `Authorization: Bearer …`, told this once."""

    key = serializers.CharField()

    class Meta(ApiKeySerializer.Meta):
        fields: ClassVar = [*ApiKeySerializer.Meta.fields, "key"]
