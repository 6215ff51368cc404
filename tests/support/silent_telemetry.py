"""The telemetry of a hub that nobody observes."""

from ports.telemetry import CallEvent


class SilentTelemetry:
    """Takes every event and does nothing."""

    def call_ended(self, event: CallEvent) -> None:
        """Do nothing."""
