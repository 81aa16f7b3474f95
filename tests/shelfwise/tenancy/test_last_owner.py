"""Two owners who take each other's role away at once: the second has to see what the first did."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from django.core.exceptions import ValidationError
from django.db import connection

from shelfwise.tenancy.actions import change_user
from shelfwise.tenancy.models import Role, User
from tests.cast import make_user
from tests.racing import RaceTestCase, open_transaction


def demote(user: User) -> bool:
    """Whether it was done."""
    try:
        change_user(user=user, role=Role.EDITOR)
    except ValidationError:
        return False
    finally:
        connection.close()
    return True


class LastOwnerTests(RaceTestCase):
    def test_one_owner_is_left(self) -> None:
        second = make_user(tenant=self.shelf, role=Role.OWNER, username="second")
        with ThreadPoolExecutor(1) as threads:
            with open_transaction() as other:
                other.execute("SELECT FROM tenancy_tenant FOR NO KEY UPDATE")
                other.execute("UPDATE tenancy_user SET role = 'editor' WHERE id = %s", [second.pk])
                attempt = threads.submit(demote, self.owner)
                time.sleep(0.3)
                self.assertFalse(attempt.done())
            self.assertFalse(attempt.result())
        self.assertEqual(User.objects.get(pk=self.owner.pk).role, Role.OWNER)
