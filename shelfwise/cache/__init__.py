"""Answers kept in Valkey or Redis: of one tenant, never stale, and never in anybody's way.

A kept answer carries the tenant's generations as they were read before its query, and counts only
while they are the current ones. Whoever changes what is shown renews a generation after its commit
and before its own answer (docs/adr/0005-cached-views.md).
"""
