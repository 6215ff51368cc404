"""How long the calls of this process took, as histograms.

A process counts its own calls from its start: unlike money and tokens, durations are not in the books as distributions.
Adding a call costs two look-ups and no lock, because events come on the event loop alone.
"""

from ports.durations import Histogram
from ports.telemetry import CallEvent


class Latencies:
    """A receiver of events that keeps two histograms: until the end of a call, and until its first chunk.

    Keys are (provider, operation, ending) and (provider, operation); the provider is empty if none accepted the call.
    """

    def __init__(self) -> None:
        self.durations: dict[tuple[str, str, str], Histogram] = {}
        self.first_chunks: dict[tuple[str, str], Histogram] = {}

    def call_ended(self, event: CallEvent) -> None:
        """Count the durations of a call."""
        provider, operation, timings = event.provider or "", event.operation, event.timings
        key = provider, operation, event.ending
        durations = self.durations.get(key)
        if durations is None:
            durations = self.durations[key] = Histogram()
        durations.add(timings.ended_us)
        if timings.first_chunk_us is not None:
            first_chunks = self.first_chunks.get(key[:2])
            if first_chunks is None:
                first_chunks = self.first_chunks[key[:2]] = Histogram()
            first_chunks.add(timings.first_chunk_us)
