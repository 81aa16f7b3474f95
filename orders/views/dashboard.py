"""`/api/v2/dashboard`: the last 24 hours and the last 30 days."""

from rest_framework.request import Request
from rest_framework.response import Response

from orders import examples
from orders.dashboard import dashboard
from orders.serializers.dashboard import DashboardSerializer
from shelfwise.api.openapi.operations import Operation
from shelfwise.api.parameters import refuse_parameters
from shelfwise.api.views import TenantView
from shelfwise.cache.keys import Shown
from shelfwise.cache.views import Cached

_KEPT_SECONDS = 15
"""The windows move on by themselves, whatever is changed."""


class DashboardView(TenantView):
    operations = {
        "GET": Operation(
            "get_dashboard",
            "Sales of the last 24 hours and 30 days, and what is nearly sold out",
            gives=DashboardSerializer,
            answers=examples.DASHBOARD,
        )
    }

    @classmethod
    def cached(cls) -> Cached:
        return Cached(shown=tuple(Shown), unless=bool, seconds=_KEPT_SECONDS)

    def get(self, request: Request) -> Response:
        """The figures as of now. Five queries, whatever the history."""
        refuse_parameters(request)
        return Response(dashboard())
