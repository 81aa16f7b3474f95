"""The base of every API view."""

from collections.abc import Mapping
from typing import Any, ClassVar

from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from shelfwise.api.openapi.operations import Operation
from shelfwise.auth.principal import Principal
from shelfwise.cache.views import Cached
from shelfwise.tenancy.models import Role


class ApiView(APIView):
    """A view that the OpenAPI document knows: `operations` describes each of its methods."""

    # What `Allow` may name: nothing here answers OPTIONS or TRACE.
    http_method_names = ["get", "head", "post", "put", "patch", "delete"]
    operations: ClassVar[Mapping[str, Operation]] = {}

    @classmethod
    def described(cls) -> Mapping[str, Operation]:
        return cls.operations


class TenantView(ApiView):
    """A view of one tenant's data: authenticated, scoped, and open from a role upwards.

    `roles` names the least role for each method that is not a viewer's read.
    """

    roles: ClassVar[Mapping[str, Role]] = {}

    @classmethod
    def cached(cls) -> Cached | None:
        """How its answers to GET are kept; None: not at all."""
        return None

    def role_needed(self, method: str) -> Role:
        return self.roles.get(method, Role.VIEWER if method in SAFE_METHODS else Role.OWNER)

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        """View, request and response hold each other in a ring. Without the page in it, only the
        ring waits for the garbage collector, which else takes a fifth of a list's time.
        """
        final = super().finalize_response(request, response, *args, **kwargs)
        final.add_post_render_callback(_let_go_of_the_data)
        return final

    @staticmethod
    def principal(request: Request) -> Principal:
        """Who asks. Authentication has run by the time a view does."""
        assert isinstance(request.user, Principal)
        return request.user


def _let_go_of_the_data(response: Response) -> None:
    response.data = None
