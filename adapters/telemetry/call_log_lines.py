"""The telemetry that logs one record for each call, without anything that a caller or a model wrote."""

import logging
from typing import Any

from ports.telemetry import CallEvent

_log = logging.getLogger("aihub.calls")


class LoggedCalls:
    """Logs each call that ends, with its figures as `fields` of the record."""

    def call_ended(self, event: CallEvent) -> None:
        """Log the call."""
        _log.info("call ended", extra={"fields": fields_of(event)})


def fields_of(event: CallEvent) -> dict[str, Any]:
    """The figures of a call: amounts in nanocredits and nano-dollars, durations in milliseconds."""
    timings = event.timings
    first_us = timings.first_chunk_us
    return {
        "request_id": event.call_id,
        "user_id": event.user_id,
        "key_id": event.key_id,
        "operation": event.operation,
        "model": event.model,
        "stream": event.stream,
        "provider": event.provider,
        "provider_model": event.provider_model,
        "ending": event.ending,
        "charge_nanos": event.charge_nanos,
        "uncollected_nanos": event.uncollected_nanos,
        "cost_nanos": event.cost_nanos,
        "usage": event.usage,
        "usage_source": event.usage_source,
        "attempts": len(event.attempts),
        "first_chunk_ms": None if first_us is None else first_us // 1000,
        "duration_ms": timings.ended_us // 1000,
    }
