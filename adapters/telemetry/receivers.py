"""Several receivers of events as one."""

import logging

from ports.telemetry import CallEvent, Telemetry

_log = logging.getLogger("aihub")


class Receivers:
    """Passes every event to each receiver. A fault of one is logged, and the others get the event all the same."""

    def __init__(self, receivers: tuple[Telemetry, ...]) -> None:
        self._receivers = receivers

    def call_ended(self, event: CallEvent) -> None:
        """Pass the event on."""
        for receiver in self._receivers:
            try:
                receiver.call_ended(event)
            except Exception:
                _log.exception("call %s could not be reported to %s", event.call_id, type(receiver).__name__)
