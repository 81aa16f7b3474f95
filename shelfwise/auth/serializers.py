"""The bodies and answers of the token endpoints."""

from typing import Any

from rest_framework import serializers

from shelfwise.api.serializers import StrictSerializer, TextField


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
