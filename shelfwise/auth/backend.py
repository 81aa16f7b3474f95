"""Passwords and browser sessions: who may come in, asked at each login and at each request."""

from typing import Any

from django.contrib.auth.backends import ModelBackend

from shelfwise.tenancy.models import User


class StaffBackend(ModelBackend):
    """Knows nobody who is out: a browser's session ends with the next request after a suspension.

    There are no permission rows: roles say what people may do (`shelfwise.admin.access`).
    """

    def get_user(self, user_id: Any) -> User | None:
        """With the tenant: one query."""
        user = User.objects.select_related("tenant").filter(pk=user_id).first()
        return user if self.user_can_authenticate(user) else None

    def user_can_authenticate(self, user: Any) -> bool:
        return isinstance(user, User) and user.may_log_in
