"""The call log, as an operator reads it."""

from collections.abc import Sequence

import msgspec

from domain.books import Call
from domain.failures import MAY_HAVE_COST
from domain.refusals import Missing
from entrypoints.usecases.users import user_names
from ports.storage import Storage


class CallReport(msgspec.Struct, frozen=True, kw_only=True):
    """A call with its user's name.

    `incomplete`: the call has ended and its caller did not get the whole answer. `cost_unknown`: the provider may
    have charged the operator for something that nobody told us about.
    """

    call: Call
    user: str

    @property
    def incomplete(self) -> bool:
        """Whether the caller was left with a part of the answer, or none."""
        return self.call.ending is not None and not self.call.complete

    @property
    def cost_unknown(self) -> bool:
        """Whether what the provider asks for this call cannot be known."""
        call = self.call
        if call.ending == "lost":
            return True
        # The last attempt is the one that was answered, where there was one: its usage was told or estimated.
        untold = call.attempts if call.usage is None else call.attempts[:-1]
        return any(attempt.outcome in MAY_HAVE_COST for attempt in untold)


async def newest_calls(storage: Storage, user_name: str | None, limit: int) -> Sequence[CallReport] | Missing:
    """The newest calls first, of one user or of all."""
    user_id = None
    if user_name is not None:
        user = await storage.user_named(user_name)
        if user is None:
            return Missing(kind="user", name=user_name, remedy="see `aihub user list`")
        user_id = user.id
    names = await user_names(storage)
    return [
        CallReport(call=call, user=names.get(call.user_id, call.user_id))
        for call in await storage.calls(user_id, limit)
    ]


async def one_call(storage: Storage, call_id: str) -> CallReport | Missing:
    """All about one call."""
    call = await storage.call(call_id)
    if call is None:
        return Missing(kind="call", name=call_id, remedy="see `aihub call list`")
    names = await user_names(storage)
    return CallReport(call=call, user=names.get(call.user_id, call.user_id))
