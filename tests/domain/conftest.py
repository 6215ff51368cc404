"""The laws of the domain run the same examples on every machine, so that a failure is there for everybody."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "domain", derandomize=True, deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("domain")
