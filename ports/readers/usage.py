"""The sums of usage, outside of a decision."""

from typing import Protocol

from domain.books.usage_sum import UsageSum
from domain.statistics.summary import UsageQuery


class UsageReader(Protocol):
    """Reads the sums that are written with each call."""

    async def usage(self, query: UsageQuery) -> list[UsageSum]:
        """The sums that the query asks for, as of one commit. A sum that nothing was added to is not there."""
        ...
