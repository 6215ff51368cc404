"""The call log, as an operator reads it."""

from collections import deque
from collections.abc import AsyncIterator, Sequence

import msgspec

from domain.books.ids import CALL, packed
from domain.books.rows import Call, running
from domain.failures import MAY_HAVE_COST
from domain.refusals import NotFound, Remedy
from entrypoints.usecases.manage.users import user_names
from ports.books import Snapshot, Storage


class CallReport(msgspec.Struct, frozen=True, kw_only=True):
    """A call with its user's name.

    `incomplete`: the call has ended and its caller did not get the whole answer. `cost_unknown`: the provider may
    have charged the operator for usage that it did not report.
    """

    call: Call
    user: str

    @property
    def incomplete(self) -> bool:
        """Whether the caller was left with a part of the answer, or none."""
        return self.call.ending is not None and not self.call.complete

    @property
    def cost_unknown(self) -> bool:
        """Whether the provider's cost of this call cannot be known."""
        call = self.call
        if call.ending == "lost":
            return True
        # If an attempt was answered, it is the last one, and its usage was reported or estimated.
        unreported = call.attempts if call.usage is None else call.attempts[:-1]
        return any(attempt.outcome in MAY_HAVE_COST for attempt in unreported)


async def newest_calls(
    storage: Storage, user_name: str | None, limit: int, before_id: str | None = None
) -> Sequence[CallReport] | NotFound:
    """The newest calls first, of one user or of all; only calls before `before_id`, if it is given."""
    user_id = await _id_of(storage, user_name)
    if isinstance(user_id, NotFound):
        return user_id
    if before_id is not None and await storage.call(before_id) is None:
        return NotFound(kind="call", name=before_id, remedy=Remedy("call list"))
    names = await user_names(storage)
    return [
        CallReport(call=call, user=names.get(call.user_id, call.user_id))
        for call in await storage.calls(user_id, limit, before_id)
    ]


class Exported(msgspec.Struct, frozen=True, kw_only=True):
    """A call and the sum of its adjustments, in nanocredits."""

    report: CallReport
    adjusted_nanos: int


async def every_call(
    storage: Storage, user_name: str | None, since_ms: int | None, until_ms: int | None
) -> AsyncIterator[Exported] | NotFound:
    """Every call of a span, oldest first, as of one moment; the calls are streamed, not kept in memory."""
    user_id = await _id_of(storage, user_name)
    if isinstance(user_id, NotFound):
        return user_id
    names = await user_names(storage)

    async def each() -> AsyncIterator[Exported]:
        async with storage.snapshot() as books:
            adjusted: dict[str, int] = {}
            async for adjustment in books.adjustments():
                adjusted[adjustment.call_id] = adjusted.get(adjustment.call_id, 0) + adjustment.amount_nanos
            async for call in in_order(books):
                is_in_span = (since_ms or 0) <= call.started_ms < (until_ms or call.started_ms + 1)
                if is_in_span and user_id in (None, call.user_id):
                    report = CallReport(call=call, user=names.get(call.user_id, call.user_id))
                    yield Exported(report=report, adjusted_nanos=adjusted.get(call.id, 0))

    return each()


async def in_order(books: Snapshot) -> AsyncIterator[Call]:
    """Every call by the time of its start, ended or running; the running ones are few enough to be in memory."""
    holds = deque([hold async for hold in books.holds()])
    async for call in books.calls():
        while holds and packed(holds[0].id, CALL) < packed(call.id, CALL):
            yield running(holds.popleft())
        yield call
    for hold in holds:
        yield running(hold)


async def _id_of(storage: Storage, user_name: str | None) -> str | NotFound | None:
    """The id of the user of that name; None without a name."""
    if user_name is None:
        return None
    user = await storage.user_named(user_name)
    return NotFound(kind="user", name=user_name, remedy=Remedy("user list")) if user is None else user.id


async def one_call(storage: Storage, call_id: str) -> CallReport | NotFound:
    """The report of one call."""
    call = await storage.call(call_id)
    if call is None:
        return NotFound(kind="call", name=call_id, remedy=Remedy("call list"))
    names = await user_names(storage)
    return CallReport(call=call, user=names.get(call.user_id, call.user_id))
