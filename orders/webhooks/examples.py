"""Examples of what the API takes and answers of webhooks, for the OpenAPI document."""

from typing import Any, Final

Example = dict[str, Any]

ASKED: Final[Example] = {
    "name": "Warehouse",
    "url": "https://warehouse.example.com/hooks/shelfwise",
    "events": ["order.paid", "order.cancelled"],
}
CHANGED: Final[Example] = {"events": ["order.paid"], "enabled": True}
ENDPOINT: Final[Example] = {
    "id": "0192f0c8-5b2c-7d3e-8f40-5a6b7c8d9e0f",
    **ASKED,
    "events": sorted(ASKED["events"]),
    "enabled": True,
    "disabled_at": None,
    "disabled_reason": None,
    "failing_since": None,
    "last_problem": None,
    "old_secret_until": None,
    "created_at": "2026-11-20T16:00:00Z",
    "updated_at": "2026-11-20T16:00:00Z",
}
CREATED: Final[Example] = {**ENDPOINT, "secret": "whsec_…"}
ROTATED: Final[Example] = {**CREATED, "old_secret_until": "2026-11-21T16:30:00Z"}
TESTED: Final[Example] = {"event_id": "0192f0c8-6b2c-7d3e-8f40-5a6b7c8d9e0f"}
DELIVERY: Final[Example] = {
    "id": "0192f0c8-7b2c-7d3e-8f40-5a6b7c8d9e0f",
    "event": {
        "id": "0192f0c8-6b2c-7d3e-8f40-5a6b7c8d9e0f",
        "type": "order.paid",
        "created_at": "2026-11-20T16:06:00Z",
        "data": {
            "id": "0192f0c8-1b2c-7d3e-8f40-5a6b7c8d9e0f",
            "number": 1042,
            "status": "paid",
            "previous_status": "pending",
            "currency": "GBP",
            "total": 17.98,
            "units": 2,
        },
    },
    "state": "pending",
    "attempts": 1,
    "due_at": "2026-11-20T16:06:06Z",
    "delivered_at": None,
    "log": [
        {
            "begun_at": "2026-11-20T16:06:00.5Z",
            "seconds": 0.082,
            "status": 503,
            "problem": "It answered 503.",
        }
    ],
}
REPLAYED: Final[Example] = {**DELIVERY, "attempts": 0}
