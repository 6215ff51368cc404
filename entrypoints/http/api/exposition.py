"""What the hub measures, in Prometheus' exposition formats.

https://prometheus.io/docs/instrumenting/exposition_formats/ — names and units follow
https://prometheus.io/docs/practices/naming/, except that money is counted in whole nanocredits and nano-dollars, which
stay exact up to 2**53.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from domain.books.statistics.usage_sum import UsageSum
from entrypoints.usecases.manage.metrics_figures import Measured
from ports.durations import BOUNDS_US, Histogram

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

_LABELS = ("provider", "model", "operation", "ending")

# Each counter of the sums: its name, the field of the sum, its description.
_COUNTERS = (
    ("aihub_calls", "calls", "Calls that have ended."),
    ("aihub_completed_calls", "completed", "Calls whose answer was whole."),
    ("aihub_charge_nanocredits", "charge_nanos", "What calls were charged when they were settled, in nanocredits."),
    ("aihub_uncollected_nanocredits", "uncollected_nanos", "What usage came to beyond the holds, in nanocredits."),
    ("aihub_cost_nanodollars", "cost_nanos", "What providers ask for the calls whose cost is known, in nano-dollars."),
    ("aihub_unpriced_calls", "cost_unknown", "Calls whose cost is unknown."),
    ("aihub_estimated_calls", "estimated", "Calls charged by an estimate, because the provider counted nothing."),
    ("aihub_adjusted_calls", "adjusted", "Calls whose provider reported usage that contradicts itself."),
    ("aihub_input_tokens", "input_tokens", "Input tokens, with those read from and written to a cache."),
    ("aihub_cache_read_tokens", "cache_read_tokens", "Input tokens that were read from a cache."),
    ("aihub_cache_write_tokens", "cache_write_tokens", "Input tokens that were written to a cache."),
    ("aihub_output_tokens", "output_tokens", "Output tokens, with those of reasoning."),
    ("aihub_reasoning_tokens", "reasoning_tokens", "Output tokens of reasoning."),
    ("aihub_pieces", "pieces", "Images, seconds, characters and all else that is charged and is no token."),
)


def exposition(measured: Measured, accept: str) -> tuple[bytes, str]:
    """The figures as a body, and its content type: the format that the scraper accepts."""
    from prometheus_client import CollectorRegistry
    from prometheus_client.exposition import choose_encoder

    class Figures:
        def collect(self) -> Iterable["Metric"]:
            return _families(measured)

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Figures())
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type


def _families(measured: Measured) -> Iterator["Metric"]:
    yield from _of_sums(measured.sums)
    yield from _of_holds(measured)
    yield from _of_process(measured)


def _of_sums(sums: tuple[UsageSum, ...]) -> Iterator["Metric"]:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    rows = [(tuple(getattr(one, label) for label in _LABELS), one) for one in sums]
    for name, field, description in _COUNTERS:
        counter = CounterMetricFamily(name, description, labels=_LABELS)
        for labels, one in rows:
            counter.add_metric(labels, getattr(one, field))
        yield counter
    # Re-rating also gives back, so this can fall.
    adjustment = GaugeMetricFamily(
        "aihub_adjustment_nanocredits", "What re-rating charged or gave back, in nanocredits.", labels=_LABELS
    )
    for labels, one in rows:
        adjustment.add_metric(labels, one.adjusted_nanos)
    yield adjustment


def _of_holds(measured: Measured) -> Iterator["Metric"]:
    from prometheus_client.core import GaugeMetricFamily

    holds = measured.holds
    yield GaugeMetricFamily("aihub_open_holds", "Calls that run, by the books.", value=holds.count)
    yield GaugeMetricFamily(
        "aihub_held_nanocredits", "What running calls hold, in nanocredits.", value=holds.held_nanos
    )
    yield GaugeMetricFamily(
        "aihub_oldest_open_hold_seconds",
        "Age of the oldest hold; 0 if there is none.",
        value=_seconds(holds.oldest_ms * 1_000),
    )


def _of_process(measured: Measured) -> Iterator["Metric"]:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    worker, labels = (measured.worker,), ("worker",)
    running = GaugeMetricFamily("aihub_running_calls", "Calls that this process runs.", labels=labels)
    running.add_metric(worker, measured.running)
    yield running
    unsettled = GaugeMetricFamily(
        "aihub_unsettled_calls", "Ended calls of this process that wait to be written to the books.", labels=labels
    )
    unsettled.add_metric(worker, measured.unsettled)
    yield unsettled
    late = CounterMetricFamily(
        "aihub_settled_late_calls", "Calls of this process that were settled late.", labels=labels
    )
    late.add_metric(worker, measured.settled_late)
    yield late
    yield from _of_writer(measured)
    yield _histogram(
        "aihub_call_duration_seconds",
        "From the admission of a call to its end, settlement included.",
        ("provider", "operation", "ending", "worker"),
        [((*key, *worker), histogram) for key, histogram in [*measured.latencies.durations.items()]],
    )
    yield _histogram(
        "aihub_first_chunk_seconds",
        "From the admission of a call to the first chunk of its answer.",
        ("provider", "operation", "worker"),
        [((*key, *worker), histogram) for key, histogram in [*measured.latencies.first_chunks.items()]],
    )


def _of_writer(measured: Measured) -> Iterator["Metric"]:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    worker, labels, writer = (measured.worker,), ("worker",), measured.writer
    waiting = GaugeMetricFamily(
        "aihub_waiting_decisions", "Decisions of this process that wait for the books.", labels=labels
    )
    waiting.add_metric(worker, writer.waiting)
    yield waiting
    repeated = CounterMetricFamily(
        "aihub_repeated_batches",
        "Batches of decisions that were written again after a conflict or a lost connection.",
        labels=labels,
    )
    repeated.add_metric(worker, writer.repeated)
    yield repeated
    yield _histogram(
        "aihub_commit_duration_seconds",
        "From the beginning of a batch of decisions to its end, which is durable.",
        labels,
        [(worker, writer.batches)],
    )


def _histogram(
    name: str, description: str, labels: tuple[str, ...], rows: list[tuple[tuple[str, ...], Histogram]]
) -> "Metric":
    from prometheus_client.core import HistogramMetricFamily

    family = HistogramMetricFamily(name, description, labels=labels)
    bounds = [*(str(_seconds(bound)) for bound in BOUNDS_US), "+Inf"]
    for values, histogram in rows:
        family.add_metric(
            values, buckets=[*zip(bounds, histogram.cumulative, strict=True)], sum_value=_seconds(histogram.sum_us)
        )
    return family


def _seconds(duration_us: int) -> float:
    return duration_us / 1_000_000
