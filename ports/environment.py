"""Time, chance and life signs, as values that a test can choose."""

from typing import Protocol

from domain.limits.budgets import Edges
from domain.limits.rows import Period


class Clock(Protocol):
    """The wall clock and a clock that never goes back."""

    def now_ms(self) -> int:
        """Milliseconds since 1970 in UTC."""
        ...

    def monotonic_us(self) -> int:
        """Microseconds since some moment, for durations."""
        ...


class Ids(Protocol):
    """Fresh names and secrets."""

    def new(self, prefix: str) -> str:
        """A new id `prefix_…`: unguessable, and sorted by its creation time."""
        ...

    def secret(self) -> str:
        """256 random bits as text, for an API key."""
        ...

    def chance(self, below: int) -> int:
        """A random number from 0 up to but not including `below`, for jitter."""
        ...


class Calendar(Protocol):
    """The calendar of time zones."""

    def edges(self, time_zone: str, at_ms: int) -> Edges:
        """The day, week, month and quarter of the zone that contain the moment; weeks begin on Monday."""
        ...

    def knows(self, time_zone: str) -> bool:
        """Whether there is such a time zone, by its name in the IANA database, such as Europe/Berlin."""
        ...

    def after(self, time_zone: str, period: Period, at_ms: int, periods: int) -> int:
        """The end of the `periods`-th period of that kind, the one that contains the moment being the first."""
        ...


class Liveness(Protocol):
    """Which processes of the hub are alive, so that the holds of the dead can be given back at once."""

    def own(self) -> str:
        """This process's own name, alive from now until the process ends, in any way."""
        ...

    def is_gone(self, owner: str) -> bool | None:
        """Whether the process of that name is gone, for certain.

        False if it lives or if the question could not be answered just now; None if it cannot be seen from here at all,
        so that only a lease can decide.
        """
        ...

    def renew(self) -> None:
        """Show again that this process lives, if its lock file was removed. OSError if that fails."""
        ...

    async def resume(self) -> None:
        """Show that this process lives before it makes calls again, if it may have stood still for a while."""
        return
