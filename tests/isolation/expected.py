"""What is expected of the API: who may do what, what is open, what names no record.

test_isolation.py holds these tables beside the URL conf, the parameters and the serializers, so
that what is new in one of those fails until somebody has thought about it.
"""

from shelfwise.tenancy.models import Role

API = "api/v2/"
BOOK = f"{API}books/<uuid:record_id>"
AUTHOR = f"{API}authors/<uuid:record_id>"
PUBLISHER = f"{API}publishers/<uuid:record_id>"
CATEGORY = f"{API}categories/<uuid:record_id>"
STOCK = f"{API}books/<uuid:book_id>/stock"
BY_ISBN = f"{API}books/by-isbn/<str:isbn>"
SEARCH, SUGGEST = f"{API}books/search", f"{API}books/suggest"
BATCH, BULK = f"{API}books/batch-get", f"{API}books/bulk-update"
LOOKUP = f"{API}books/lookup"
ORDERS = f"{API}orders"
ORDER = f"{ORDERS}/<uuid:order_id>"
RATES, LABEL = f"{ORDER}/rates", f"{ORDER}/label"
MOVES = {name: f"{ORDER}/{name}" for name in ("pay", "ship", "deliver", "cancel", "archive")}

API_KEYS = f"{API}api-keys"
API_KEY = f"{API_KEYS}/<uuid:key_id>"
ROTATE = f"{API_KEY}/rotate"

WEBHOOKS = f"{API}webhooks"
WEBHOOK = f"{WEBHOOKS}/<uuid:endpoint_id>"
SECRET, TEST = f"{WEBHOOK}/secret", f"{WEBHOOK}/test"
DELIVERIES = f"{WEBHOOK}/deliveries"
REPLAY = f"{DELIVERIES}/<uuid:delivery_id>/replay"

_READ = {"GET": Role.VIEWER, "HEAD": Role.VIEWER}
_LIST = {**_READ, "POST": Role.EDITOR}
_RECORD = {**_READ, **dict.fromkeys(("PUT", "PATCH", "DELETE"), Role.EDITOR)}

LEAST_ROLES: dict[str, dict[str, Role]] = {
    f"{API}books": _LIST,
    BOOK: _RECORD,
    SEARCH: _READ,
    SUGGEST: _READ,
    BY_ISBN: _READ,
    BATCH: {"POST": Role.VIEWER},
    BULK: {"POST": Role.EDITOR},
    LOOKUP: {"POST": Role.EDITOR},
    STOCK: {**_READ, "POST": Role.CLERK},
    f"{API}stock": _READ,
    f"{API}authors": _LIST,
    AUTHOR: _RECORD,
    f"{AUTHOR}/books": _READ,
    f"{API}publishers": _LIST,
    PUBLISHER: _RECORD,
    f"{PUBLISHER}/books": _READ,
    f"{API}categories": _LIST,
    CATEGORY: _RECORD,
    f"{CATEGORY}/books": _READ,
    ORDERS: {**_READ, "POST": Role.CLERK},
    ORDER: _READ,
    **{route: {"POST": Role.CLERK} for route in MOVES.values()},
    RATES: _READ,
    LABEL: {"POST": Role.CLERK},
    f"{API}dashboard": _READ,
    API_KEYS: dict.fromkeys(("GET", "HEAD", "POST"), Role.OWNER),
    API_KEY: dict.fromkeys(("GET", "HEAD", "DELETE"), Role.OWNER),
    ROTATE: {"POST": Role.OWNER},
    WEBHOOKS: dict.fromkeys(("GET", "HEAD", "POST"), Role.OWNER),
    WEBHOOK: dict.fromkeys(("GET", "HEAD", "PATCH", "DELETE"), Role.OWNER),
    DELIVERIES: dict.fromkeys(("GET", "HEAD"), Role.OWNER),
    **{route: {"POST": Role.OWNER} for route in (SECRET, TEST, REPLAY)},
}
"""By route and method, the least role that the contract lets in."""

OPEN = {
    "hooks/payment": "what the payment provider signs, and is asked about before it counts",
    "hooks/shipping": "what the carrier signs, and is asked about before anything of it counts",
    f"{API}auth/token": "a username with its password",
    f"{API}auth/refresh": "a refresh token, which names its own session",
    f"{API}schema": "the document of the API: the same for everybody",
    f"{API}docs": "the page that shows it",
    "health/live": "that the process runs",
    "health/ready": "that the database answers",
    "health/db": "figures of the pool",
    "metrics": "figures of the process",
}
"""What takes nothing that names a tenant's row, and what it takes or tells instead."""

ELSEWHERE = {
    "admin/": "sessions instead of tokens; it has an isolation test of its own",
    "static/": "files that are in the repository",
}
"""By the beginning of the route."""

PLAIN_PARAMETERS = {
    *("limit", "page", "ordering", "fields", "count", "deleted", "updated_since", "create"),
    *("language", "format", "price_min", "price_max", "published_from", "published_to"),
    *("status", "active", "created_from", "created_to", "state"),
}
"""Parameters that name no record."""

PLAIN_FIELDS = {
    "BookWriter": {
        *("title", "subtitle", "price", "published_on", "language", "format"),
        *("description", "page_count"),
    },
    "CategoryWriter": {"scheme", "name"},
    "BulkUpdateSerializer": {"items", "reason"},
    "BulkItemSerializer": {"price", "stock"},
    "StockAmountSerializer": {"delta", "set"},
    "StockChangeSerializer": {"delta", "set", "reason"},
    "OrderWriter": {"items", "customer", "shipping_address", "note"},
    "ItemWriter": {"quantity"},
    "CustomerWriter": {"name", "email"},
    "TransitionWriter": {"reason"},
    "ApiKeyWriter": {"name", "role", "expires_at"},
    "RotationWriter": {"overlap_seconds"},
    "EndpointWriter": {"url", "events"},
    "EndpointChanger": {"name", "url", "events", "enabled"},
    "PaymentWriter": {"reason", "reference", "source"},
    "LabelWriter": {"service"},
    "ShipmentWriter": {"reason", "carrier", "tracking_number"},
}
"""By serializer, the fields of a body that name no record; each other field needs a row."""
