"""Reporting events of the hub to its observers: metrics, traces, a log."""

from typing import Protocol, TypeAlias

import msgspec

from domain.books.rows import Ending, UsageSource
from domain.model_api.call import AttemptRecord
from domain.model_api.operations import OperationName
from domain.usage import Usage

Headers: TypeAlias = tuple[tuple[str, str], ...]


class CallTrace(Protocol):
    """The place of one call in a trace."""

    def attempt_headers(self) -> Headers:
        """The request headers that continue the trace at a provider, for the attempt that begins now."""
        ...


class Tracing(Protocol):
    """What follows traces across programs."""

    def begin(self, traceparent: str | None, tracestate: str | None) -> CallTrace:
        """A call begins, in the trace of its caller's headers (www.w3.org/TR/trace-context), else in a new one."""
        ...


class Timings(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Durations of one call in microseconds, each from its admission.

    `first_chunk_us` is None if no answer began, `settled_us` if the call was settled after its end.
    """

    first_chunk_us: int | None
    settled_us: int | None
    ended_us: int


class CallEvent(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One call that has ended, as the books have it.

    `model` is the name that the caller used, `provider` and `provider_model` are None if no provider accepted the call.
    `charge_nanos` and `uncollected_nanos` are nanocredits; `cost_nanos` is nano-USD, None if it is unknown. `usage` is
    None if the call is charged for none. `trace` is what `Tracing` began for it.
    """

    call_id: str
    user_id: str
    key_id: str
    operation: OperationName
    model: str
    stream: bool
    provider: str | None
    provider_model: str | None
    ending: Ending
    charge_nanos: int
    uncollected_nanos: int
    cost_nanos: int | None
    usage: Usage | None
    usage_source: UsageSource | None
    timings: Timings
    attempts: tuple[AttemptRecord, ...]
    trace: CallTrace | None = None


class Telemetry(Protocol):
    """A receiver of events."""

    def call_ended(self, event: CallEvent) -> None:
        """Take the event of a call whose settlement is durable: once for each call that this process settles.

        It is called on the event loop, so it must return at once. A call whose process died is ended by a sweep and
        has no event.
        """
        ...
