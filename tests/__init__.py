"""The suite: `make test`. Its folders mirror the source."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "suite",
    max_examples=100 if os.environ.get("SHELFWISE_LONG_TESTS") == "1" else 50,
    # A busy machine is no failure.
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("suite")
