"""Of the catalogue: its API, its lists' SQL and plans, what the database refuses, its values."""

from hypothesis import HealthCheck, settings

# A busy machine is no failure.
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")
