"""The image: what its files say, and with SHELFWISE_LONG_TESTS=1 that it builds and runs."""
