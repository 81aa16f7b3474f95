"""Orders in the admin.

Not registered: an order's lines and events, which its own page shows and the database lets nobody
change; and the counter of the numbers.
"""

from orders.admin import orders

__all__ = ["orders"]
