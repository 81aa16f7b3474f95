"""The orders' tables: orders, and what partners know of them."""

from orders.models.orders import (
    MOST_COPIES,
    MOST_LINES,
    Order,
    OrderCounter,
    OrderEvent,
    OrderLine,
)
from orders.models.payments import Payment, PaymentEvent
from orders.models.shipping import Label
from orders.models.webhooks import (
    MOST_ENDPOINTS,
    Attempt,
    Delivery,
    DeliveryState,
    Endpoint,
    Event,
)

__all__ = [
    "MOST_COPIES",
    "MOST_ENDPOINTS",
    "MOST_LINES",
    "Attempt",
    "Delivery",
    "DeliveryState",
    "Endpoint",
    "Event",
    "Label",
    "Order",
    "OrderCounter",
    "OrderEvent",
    "OrderLine",
    "Payment",
    "PaymentEvent",
]
