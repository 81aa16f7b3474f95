"""Many clients at once before a real server, its workers, PostgreSQL and Valkey.

The short versions always run; SHELFWISE_LONG_TESTS=1 makes them long and prints what was counted.
"""
