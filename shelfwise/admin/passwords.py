"""Changing one's own password."""

from django.contrib.admin.forms import AdminPasswordChangeForm

from shelfwise.tenancy.actions import set_password
from shelfwise.tenancy.models import User


class OwnPasswordForm(AdminPasswordChangeForm):
    user: User

    def save(self, commit: bool = True) -> User:
        set_password(user=self.user, password=self.cleaned_data["new_password1"])
        return self.user
