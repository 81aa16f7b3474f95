"""Logins: a session begins with a password and is prolonged by refresh tokens used once each."""

from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth import authenticate
from django.db import transaction
from django.utils import timezone

from shelfwise.auth.revocation import revoke
from shelfwise.auth.tokens import (
    ACCESS_TTL,
    REFRESH_TTL,
    InvalidToken,
    issue_access_token,
    issue_refresh_token,
    verify_refresh_token,
)
from shelfwise.ids import uuid7
from shelfwise.tenancy.models import RevokedToken, Role, Session, User


class LoginRefused(Exception):
    """Wrong name or password, or somebody who may not log in; which of these is not told."""


@dataclass(frozen=True, slots=True)
class TokenPair:
    """What a login answers. `expires_in` is the access token's life in seconds."""

    access: str
    refresh: str
    token_type: str = "Bearer"  # noqa: S105 - a scheme, no secret
    expires_in: int = int(ACCESS_TTL.total_seconds())


def log_in(*, username: str, password: str) -> TokenPair:
    """Begins a session. Operators have no tenant, so no token. Raises LoginRefused."""
    user = authenticate(username=username, password=password)
    if not isinstance(user, User) or not _may_log_in(user):
        raise LoginRefused
    with transaction.atomic():
        person = _unchanged(user)
        now = timezone.now()
        Session.objects.filter(user=person, expires_at__lt=now).delete()
        until = now + REFRESH_TTL
        session = Session.objects.create(user=person, refresh_id=uuid7(), expires_at=until)
    return _pair(person, session.id, session.refresh_id)


def prolong(*, refresh: str) -> TokenPair:
    """Replaces a refresh token. Raises LoginRefused.

    A refresh token that was used before is in two hands: the session ends for both (RFC 9700,
    section 4.14.2).
    """
    try:
        claims = verify_refresh_token(refresh)
    except InvalidToken:
        raise LoginRefused from None
    now, replacement = timezone.now(), uuid7()
    users = User.objects.filter(session=claims.session_id, session__expires_at__gt=now)
    user = users.select_related("tenant").first()
    if user is None or not _may_log_in(user):
        raise LoginRefused
    if not Session.objects.filter(id=claims.session_id, refresh_id=claims.refresh_id).update(
        refresh_id=replacement, expires_at=now + REFRESH_TTL
    ):
        end_session(claims.session_id)
        raise LoginRefused
    return _pair(user, claims.session_id, replacement)


def end_session(session_id: UUID) -> None:
    """Ends a login: its refresh token at once, its access tokens within 60 s."""
    with transaction.atomic():
        if Session.objects.filter(id=session_id).delete()[0]:
            revoke(str(session_id), lifetime=ACCESS_TTL)


def end_sessions_of(user: User) -> None:
    """Ends each login of a person, as `end_session` does. Three queries; one if there is none."""
    expires_at = timezone.now() + ACCESS_TTL
    ended = [session.id for session in Session.objects.filter(user=user)]
    if ended:
        RevokedToken.objects.bulk_create(
            [RevokedToken(id=each, expires_at=expires_at) for each in ended], ignore_conflicts=True
        )
        Session.objects.filter(id__in=ended).delete()


def _unchanged(user: User) -> User:
    """Somebody as they are by now, locked. Raises LoginRefused when the password is another one.

    Trying a password takes long, and who changed it meanwhile has ended the sessions that there
    were. Who changes it from here on waits for the session that begins, and ends it too.
    """
    people = User.objects.select_for_update(of=("self",), no_key=True).select_related("tenant")
    person = people.filter(id=user.id, password=user.password).first()
    if person is None or not _may_log_in(person):
        raise LoginRefused
    return person


def _may_log_in(user: User) -> bool:
    return user.tenant is not None and user.may_log_in


def _pair(user: User, session_id: UUID, refresh_id: UUID) -> TokenPair:
    assert user.tenant is not None
    role, subject = Role(user.role), str(user.id)
    return TokenPair(
        access=issue_access_token(
            tenant=user.tenant, role=role, subject=subject, session_id=session_id
        ),
        refresh=issue_refresh_token(
            tenant=user.tenant,
            role=role,
            subject=subject,
            session_id=session_id,
            refresh_id=refresh_id,
        ),
    )
