"""Of what every app stands on: the environment, tenants, tokens, the wire, what operators see."""

from hypothesis import HealthCheck, settings

# A busy machine is no failure.
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")
