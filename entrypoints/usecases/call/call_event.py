"""The event of a call, reported once it has ended and its settlement is durable."""

import logging

from domain.billing.settlement import Settlement
from domain.model_api.operations import OperationName
from ports.telemetry import CallEvent, CallTrace, Telemetry, Timings

_log = logging.getLogger("aihub")


def report(
    telemetry: Telemetry,
    operation: OperationName,
    timings: Timings,
    trace: CallTrace | None,
    settlement: Settlement,
) -> None:
    """Report a settled call. A fault of the receiver is logged and has no effect on the call."""
    call = settlement.call
    if call is None or call.ending is None:
        return
    event = CallEvent(
        call_id=call.id,
        user_id=call.user_id,
        key_id=call.key_id,
        operation=operation,
        model=call.model,
        stream=call.stream,
        provider=call.provider,
        provider_model=call.provider_model,
        ending=call.ending,
        charge_nanos=call.charge_nanos,
        uncollected_nanos=call.uncollected_nanos,
        cost_nanos=call.cost_nanos,
        usage=call.usage,
        usage_source=call.usage_source,
        timings=timings,
        attempts=call.attempts,
        trace=trace,
    )
    try:
        telemetry.call_ended(event)
    except Exception:
        _log.exception("call %s could not be reported", call.id)
