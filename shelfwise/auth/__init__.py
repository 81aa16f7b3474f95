"""Tokens: issued at login or by an operator, verified without a query."""
