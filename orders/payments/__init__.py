"""Orders that the payment provider charges: once, or not at all, and never forgotten."""
