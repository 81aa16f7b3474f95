"""The OpenAPI document, out of what each view says of its methods."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from drf_spectacular.drainage import warn
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ComponentRegistry, ResolvedComponent
from drf_spectacular.utils import OpenApiExample, OpenApiParameter

from shelfwise.api.idempotency import HEADER, MAX_KEY_LENGTH
from shelfwise.api.openapi import shapes  # noqa: F401 - known to drf-spectacular by being loaded
from shelfwise.api.openapi.components import OF_A_BODY, OF_LIMITS, TEXT, Schema, name_of, reference
from shelfwise.api.openapi.operations import Operation, Page
from shelfwise.api.serializers import ProblemSerializer
from shelfwise.api.views import ApiView, TenantView
from shelfwise.tenancy.models import Role

_UUID = {"type": "string", "format": "uuid"}
_TIME = {"type": "string", "format": "date-time"}
_LINK = {"type": ["string", "null"], "format": "uri"}
_PRECONDITIONS = {
    "If-Match": "The `ETag` that was read: 412 if the record has changed since.",
    "If-None-Match": "The `ETag` of an earlier answer: 304 if this one would be the same.",
    HEADER: "Another one for each request. Whoever repeats it is answered again: it is done once.",
}
_KEY = {"type": "string", "pattern": rf"^[ -~]{{1,{MAX_KEY_LENGTH}}}$"}


class DescribedSchema(AutoSchema):
    """One operation of the document, as the view's `Operation` has it."""

    @property
    def described(self) -> Operation:
        return self._described_view.described()[self.method]

    @property
    def _described_view(self) -> ApiView:
        assert isinstance(self.view, ApiView), f"{self.view} is no ApiView."
        return self.view

    def get_operation(
        self, path: str, path_regex: str, path_prefix: str, method: str, registry: ComponentRegistry
    ) -> Schema | None:
        if method not in self._described_view.described():
            warn(f"{type(self.view).__name__} does not describe its {method}.")
            return None
        operation = super().get_operation(path, path_regex, path_prefix, method, registry)
        assert operation is not None
        self.resolve_serializer(ProblemSerializer, "response")  # the refusals refer to it
        responses = operation["responses"]
        for status in self._successes():
            responses[str(status.value)]["headers"] = self._headers(status)
        if method == "GET":
            responses["304"] = reference("responses", "NotModified")
        for status in sorted(self._refusals()):
            responses[str(status.value)] = reference("responses", name_of(status))
        return operation

    def get_operation_id(self) -> str:
        return self.described.name

    def get_summary(self) -> str:
        return self.described.summary

    def get_description(self) -> str:  # type: ignore[override]
        role = self._role_needed()
        return f"Needs the role {role} or one above." if role else ""

    def get_tags(self) -> list[str]:
        return [self.path.removeprefix("/api/v2/").partition("/")[0]]

    def get_auth(self) -> list[Schema]:
        return [{"token": []}] if isinstance(self.view, TenantView) else []

    def get_request_serializer(self) -> Any:
        return self.described.takes

    def get_response_serializers(self) -> Any:
        gives = self.described.gives
        schema = self._page(gives) if isinstance(gives, Page) else gives
        answers = {status.value: schema for status in self._successes()}
        if self.described.other_status and self.described.other_gives:
            answers[self.described.other_status.value] = self.described.other_gives
        return answers

    def get_override_parameters(self) -> list[Any]:
        described = self.described
        taken = {
            "If-Match": described.versioned,
            "If-None-Match": self.method == "GET",
            HEADER: described.keyed,
        }
        return [
            *(
                self._query_parameter(name, parser.schema, needed=name in described.needed)
                for name, parser in described.parameters.items()
            ),
            *(
                OpenApiParameter(
                    name,
                    _KEY if name == HEADER else TEXT,
                    OpenApiParameter.HEADER,
                    required=name == HEADER and described.key_needed,
                    description=description,
                )
                for name, description in _PRECONDITIONS.items()
                if taken[name]
            ),
        ]

    def get_examples(self) -> list[OpenApiExample]:
        described = self.described
        examples = [
            OpenApiExample("asked", described.asks, request_only=True),
            OpenApiExample(
                "answered",
                described.answers,
                response_only=True,
                status_codes=[str(described.status.value)],
            ),
        ]
        return [example for example in examples if example.value is not None]

    def get_serializer_name(self, serializer: Any, direction: Any) -> str:
        name: str = super().get_serializer_name(serializer, direction)
        return name.removesuffix("Writer") + "Input" if name.endswith("Writer") else name

    def _query_parameter(
        self, name: str, schema: Mapping[str, Any], *, needed: bool
    ) -> OpenApiParameter:
        text = dict(schema)
        description = text.pop("description", "")
        lists = text["type"] == "array"
        return OpenApiParameter(
            name,
            text,
            required=needed,
            description=description,
            style="form" if lists else None,
            explode=False if lists else None,
        )

    def _role_needed(self) -> Role | None:
        view = self.view
        return view.role_needed(self.method) if isinstance(view, TenantView) else None

    def _successes(self) -> list[HTTPStatus]:
        described = self.described
        return [described.status, *([described.other_status] if described.other_status else [])]

    def _refusals(self) -> set[HTTPStatus]:
        refusals = {
            HTTPStatus.BAD_REQUEST,
            HTTPStatus.UNAUTHORIZED,
            HTTPStatus.NOT_ACCEPTABLE,
            HTTPStatus.TOO_MANY_REQUESTS,
            HTTPStatus.SERVICE_UNAVAILABLE,
            *self.described.refusals,
        }
        if self._role_needed() not in (None, Role.VIEWER):
            refusals.add(HTTPStatus.FORBIDDEN)
        if "_id}" in self.path:
            refusals.add(HTTPStatus.NOT_FOUND)
        if self.described.takes:
            refusals |= OF_A_BODY
        if self.described.versioned:
            refusals.add(HTTPStatus.PRECONDITION_FAILED)
        if self.described.keyed:
            refusals |= {HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY}
        return refusals

    def _headers(self, status: HTTPStatus) -> Schema:
        described = self.described
        names = ["X-Request-ID", *(OF_LIMITS if isinstance(self.view, TenantView) else ())]
        if self.method == "GET" or (described.versioned and described.gives):
            names.append("ETag")
        if status == HTTPStatus.CREATED:
            names += ["ETag", "Location"]
        if self.method == "GET" and isinstance(self.view, TenantView) and self.view.cached():
            names.append("X-Cache")
        if described.keyed:
            names.append("Idempotent-Replayed")
        return {name: reference("headers", name) for name in names}

    def _page(self, page: Page) -> Schema:
        """A page's shape. What `fields` may leave out is not required of an item."""
        item = self._map_serializer(page.item, "response")
        name = self._get_serializer_name(page.item(), "response").removesuffix("Item")
        item = {key: value for key, value in item.items() if key != "required"}
        choices = [self._component(f"Listed{name}", item)]
        if page.tombstones:
            choices.insert(0, self._component(f"Deleted{name}", _tombstone(page.identity)))
        shape: Schema = {
            "next": {**_LINK, "description": "The next page's URL; null on the last."},
            "previous": {**_LINK, "description": "The previous page's URL; null on the first."},
            "results": {
                "type": "array",
                "items": {"anyOf": choices} if page.tombstones else choices[0],
            },
        }
        required = list(shape)
        if page.counted:
            shape["count"] = {"type": "integer", "minimum": 0}
        schema = {"type": "object", "properties": shape, "required": required}
        suffix = "Page" if page.counted else "Results"
        return self._component(f"{name}{suffix}", schema)

    def _component(self, name: str, schema: Schema) -> Schema:
        component = ResolvedComponent(name, ResolvedComponent.SCHEMA, schema=schema, object=name)
        self.registry.register_on_missing(component)
        reference: Schema = component.ref
        return reference


def _tombstone(identity: str) -> Schema:
    shape = {identity: _UUID, "deleted": {"type": "boolean", "const": True}, "updated_at": _TIME}
    return {"type": "object", "properties": shape, "required": list(shape)}
