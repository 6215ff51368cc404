"""The sums of usage, outside of a decision."""

from typing import Protocol

from domain.books.statistics.summary import PastUsage, UsageQuery
from domain.books.statistics.usage_sum import UsageSum


class UsageReader(Protocol):
    """Reads the sums that are written with each call."""

    async def usage(self, query: UsageQuery) -> list[UsageSum]:
        """The sums that the query asks for, as of one commit. A sum that nothing was added to is not there."""
        ...

    async def past_usage(self) -> PastUsage:
        """What may still change the sums of the past, as of one commit."""
        ...
