"""A change that is committed after the query of an answer, and before that is kept."""

from typing import Any
from unittest.mock import patch

from django.test import override_settings

from catalog.models import Author
from shelfwise.cache import views
from shelfwise.tenancy.scope import tenant_scope
from tests.cast import make_author
from tests.racing import RaceTestCase


@override_settings(CACHED_ANSWER_SECONDS=60)
class LateBuildTests(RaceTestCase):
    def test_what_was_read_before_a_change_is_not_kept_for_after_it(self) -> None:
        make_author(tenant=self.shelf, name="Old")
        entry_of = views._entry_of

        def change(*given: Any) -> Any:
            with tenant_scope(self.shelf.id):
                Author.objects.update(name="New")
            return entry_of(*given)

        with patch.object(views, "_entry_of", change):
            late = self.get("/api/v2/authors")
        self.assertEqual([each["name"] for each in late["results"]], ["Old"])
        after = self.get("/api/v2/authors")
        self.assertEqual([each["name"] for each in after["results"]], ["New"])
