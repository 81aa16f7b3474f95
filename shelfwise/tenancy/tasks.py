"""What is done at its hour, whoever asks."""

from shelfwise.jobs import every, rescue
from shelfwise.tenancy.sweeping import sweep


@every("* * * * *")
def rescue_jobs() -> None:
    rescue()


@every("17 3 * * *")
def sweep_expired() -> None:
    sweep()
