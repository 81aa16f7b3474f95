"""The cache of answers: its keys, its entries, its breaker, and what it answers to whom."""
