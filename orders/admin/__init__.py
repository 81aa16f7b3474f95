"""Orders in the admin.

Not registered: an order's lines and events, and a payment's, which its own page shows and the
database lets nobody change; the counter of the numbers; and what webhooks tell of, with each
attempt, which the page of a delivery shows.
"""

from orders.admin import deliveries, endpoints, orders, payments

__all__ = ["deliveries", "endpoints", "orders", "payments"]
