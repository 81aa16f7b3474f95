"""What a field is offered while somebody types."""

from typing import Any

from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.core.exceptions import PermissionDenied
from django.db.models import ForeignObjectRel
from django.http import HttpRequest


class Autocomplete(AutocompleteJsonView):
    def process_request(self, request: HttpRequest) -> Any:
        """Django's own breaks on the other side of a relation, which is no field of a form."""
        found: Any = super().process_request(request)
        if isinstance(found[2], ForeignObjectRel):
            raise PermissionDenied
        return found
