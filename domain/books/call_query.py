"""Which calls of the call log are read, and in which order."""

from typing import Literal, TypeAlias

import msgspec

from domain.books.ids import CALL, first_id
from domain.books.rows import Call
from domain.ledger.rows import Adjustment, LineKey, TransferKind
from domain.usage import Usage

# How a call has ended for its caller: with the whole answer or without it; or it still runs.
State: TypeAlias = Literal["ended", "running", "succeeded", "failed"]
SearchField: TypeAlias = Literal["id", "model", "trace_id", "user"]

# The id of a call contains a moment shortly before it began. So much earlier it may be, at most.
_SLACK_MS = 86_400_000


class Search(msgspec.Struct, frozen=True, kw_only=True):
    """A text that one of the fields contains, in capitals or not. `user_ids` are the users that it stands for."""

    text: str
    fields: tuple[SearchField, ...] = ("id", "model", "trace_id", "user")
    user_ids: tuple[str, ...] = ()


class CallQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The calls that began from `from_ms` until before `to_ms`, with all these values; newest first.

    `model` is the provider's name of the model, or the requested name where no provider answered; `model_part` is a
    part of any of its names. `project` is the app of a call, or its key where the request names no app. Calls that run
    do not match `min_duration_ms`. The page has at most `limit` calls, from the one after the id `beyond` on, in the
    order, without the first `skip`.
    """

    ids: tuple[str, ...] | None = None
    user_id: str | None = None
    key_id: str | None = None
    team_id: str | None = None
    app: str | None = None
    run_id: str | None = None
    trace_id: str | None = None
    provider: str | None = None
    operation: str | None = None
    operations: tuple[str, ...] | None = None
    endings: tuple[str, ...] | None = None
    state: State | None = None
    model: str | None = None
    model_part: str | None = None
    project: str | None = None
    min_duration_ms: int | None = None
    search: Search | None = None
    from_ms: int | None = None
    to_ms: int | None = None
    beyond: str | None = None
    oldest_first: bool = False
    limit: int = 100
    skip: int = 0

    @property
    def id_bounds(self) -> tuple[str | None, str | None]:
        """Ids that are not after the first call that may match, and after the last one: only to find them faster."""
        first = None if self.from_ms is None else first_id(CALL, self.from_ms - _SLACK_MS)
        return first, None if self.to_ms is None else first_id(CALL, self.to_ms + _SLACK_MS)


# The lines by which calls take credit for good, or give it back: a hold is not among them.
CONSUMING: tuple[TransferKind, ...] = ("capture", "adjustment", "refund", "forfeit")


class LineQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The lines of the journal of a user's calls, paid from the user's own wallet, by when the calls began.

    The newest calls come first, and the lines of one call in the order of kind and step. The page has at most `limit`
    lines, from the one after the key `beyond` on, without the first `skip`.
    """

    user_id: str
    kinds: tuple[TransferKind, ...] = CONSUMING
    from_ms: int | None = None
    to_ms: int | None = None
    beyond: LineKey | None = None
    limit: int = 100
    skip: int = 0


class LoggedCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call with the changes of its charge after its settlement, oldest first."""

    call: Call
    adjustments: tuple[Adjustment, ...] = ()

    @property
    def adjusted_nanos(self) -> int:
        """What the adjustments charged or gave back, in nanocredits."""
        return sum(one.amount_nanos for one in self.adjustments)

    @property
    def net_nanos(self) -> int:
        """What the call was charged in the end."""
        return self.call.charge_nanos + self.adjusted_nanos

    @property
    def usage(self) -> Usage | None:
        """What was used, where it was reported late as well."""
        late = (one.late.usage for one in self.adjustments if one.late is not None)
        return self.call.usage or next(late, None)


def served_model(call: Call) -> str:
    """The model of a call as the sums of usage have it."""
    return call.provider_model or call.model


def model_names(call: Call) -> str:
    """Every name of the call's model: as requested, and as the provider that answered has it."""
    return f"{call.model} {call.provider or ''}/{call.provider_model or ''}"


def matches(query: CallQuery, call: Call) -> bool:
    """Whether the query asks for the call, wherever it stands in the order."""
    return (
        all(getattr(call, name) == value for name, value in equal_values(query).items())
        and (query.ids is None or call.id in query.ids)
        and (query.endings is None or call.ending in query.endings)
        and (query.operations is None or call.operation in query.operations)
        and query.model in (None, served_model(call))
        and _contains(model_names(call), query.model_part)
        and query.project in (None, call.app or call.key_id)
        and (query.from_ms is None or query.from_ms <= call.started_ms)
        and (query.to_ms is None or call.started_ms < query.to_ms)
        and (query.min_duration_ms is None or _lasted(call, query.min_duration_ms))
        and _is_in(call, query.state)
        and _is_found(call, query.search)
    )


def equal_values(query: CallQuery) -> dict[str, str]:
    """The fields of a call that must have one value."""
    names = ("user_id", "key_id", "team_id", "app", "run_id", "trace_id", "provider", "operation")
    return {name: value for name in names if (value := getattr(query, name)) is not None}


def _contains(text: str, part: str | None) -> bool:
    return part is None or part.lower() in text.lower()


def _lasted(call: Call, least_ms: int) -> bool:
    return call.ended_ms is not None and call.ended_ms - call.started_ms >= least_ms


def _is_in(call: Call, state: State | None) -> bool:
    match state:
        case "ended":
            return call.ending is not None
        case "running":
            return call.ending is None
        case "succeeded":
            return call.complete
        case "failed":
            return call.ending is not None and not call.complete
    return True


def _is_found(call: Call, search: Search | None) -> bool:
    if search is None:
        return True
    texts = {"id": call.id, "model": model_names(call), "trace_id": call.trace_id or ""}
    return any(name in texts and _contains(texts[name], search.text) for name in search.fields) or (
        "user" in search.fields and call.user_id in search.user_ids
    )
