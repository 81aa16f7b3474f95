"""Examples of what the API takes and answers of orders, for the OpenAPI document."""

from typing import Any, Final

from catalog.examples import BOOK

Example = dict[str, Any]

_ADDRESS: Final = {
    "line1": "12 Northmoor Road",
    "city": "Oxford",
    "postal_code": "OX2 6UP",
    "country": "GB",
}
_CUSTOMER: Final = {"name": "Edith Bratt", "email": "edith@example.com"}

PLACED: Final[Example] = {
    "items": [{"book_id": BOOK["id"], "quantity": 2}],
    "customer": _CUSTOMER,
    "shipping_address": _ADDRESS,
    "note": "A present.",
}
ORDER: Final[Example] = {
    "id": "0192f0c8-1b2c-7d3e-8f40-5a6b7c8d9e0f",
    "number": 1042,
    "status": "paid",
    "currency": BOOK["currency"],
    "items": [
        {
            "book_id": BOOK["id"],
            "isbn": BOOK["isbn"],
            "title": BOOK["title"],
            "quantity": 2,
            "unit_price": 8.99,
            "line_total": 17.98,
        }
    ],
    "total": 17.98,
    "customer": _CUSTOMER,
    "shipping_address": _ADDRESS,
    "note": "A present.",
    "payment": {
        "state": "paid",
        "reference": "pi_3Qx81",
        "paid_at": "2026-11-20T16:06:00Z",
        "problem": None,
    },
    "shipment": None,
    "created_at": "2026-11-20T16:05:09.123456Z",
    "updated_at": "2026-11-20T16:06:00.654321Z",
}
NEW: Final[Example] = {
    **ORDER,
    "status": "pending",
    "payment": None,
    "updated_at": ORDER["created_at"],
}
PAID: Final[Example] = {"reference": "pi_3Qx81"}
SHIPPED: Final[Example] = {"carrier": "Royal Mail", "tracking_number": "AB123456789GB"}
LABEL: Final[Example] = {"service": "tracked-48"}
RATES: Final[Example] = {
    "rates": [
        {
            "service": "tracked-48",
            "carrier": "Royal Mail",
            "price": 3.95,
            "currency": BOOK["currency"],
            "days": 2,
        }
    ]
}
_LABEL_PENDING: Final[Example] = {
    "state": "pending",
    "carrier": None,
    "tracking_number": None,
    "label_url": None,
    "problem": None,
    "shipped_at": None,
    "delivered_at": None,
}
LABELLED: Final[Example] = {**ORDER, "shipment": _LABEL_PENDING}
_SENT: Final[Example] = {
    **_LABEL_PENDING,
    **SHIPPED,
    "state": "shipped",
    "shipped_at": "2026-11-21T09:00:00Z",
}
_ARRIVED: Final[Example] = {**_SENT, "state": "delivered", "delivered_at": "2026-11-23T11:00:00Z"}
MOVED: Final[dict[str, Example]] = {
    "pay": ORDER,
    "ship": {**ORDER, "status": "shipped", "shipment": _SENT},
    "deliver": {**ORDER, "status": "delivered", "shipment": _ARRIVED},
    "cancel": {**ORDER, "status": "cancelled"},
    "archive": {**ORDER, "status": "archived", "shipment": _ARRIVED},
}
"""The order after each transition."""
REASON: Final[Example] = {"reason": "The customer changed her mind."}

_WINDOW: Final[Example] = {
    "orders": 3,
    "revenue": 62.93,
    "units": 7,
    "average": 20.98,
    "top_books": [
        {
            "book_id": BOOK["id"],
            "isbn": BOOK["isbn"],
            "title": BOOK["title"],
            "units": 5,
            "revenue": 44.95,
        }
    ],
}
DASHBOARD: Final[Example] = {
    "as_of": "2026-11-20T16:10:00Z",
    "currency": BOOK["currency"],
    "last_24_hours": _WINDOW,
    "last_30_days": _WINDOW,
    "low_stock": [
        {
            "book_id": BOOK["id"],
            "isbn": BOOK["isbn"],
            "title": BOOK["title"],
            "on_hand": 4,
            "reserved": 2,
            "available": 2,
        }
    ],
}
