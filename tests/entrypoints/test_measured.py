"""What is measured: money exactly as in the books, and no more series than there are models that answer."""

from typing import Any

import msgspec
from prometheus_client.parser import text_string_to_metric_families

from domain.books.statistics.summary import nothing, total
from domain.books.statistics.usage_sum import ADDED, UsageSum
from entrypoints.http.api.exposition import exposition
from entrypoints.usecases.call.latencies import Latencies
from entrypoints.usecases.manage.metrics_figures import MODELS_MAX, Measured, OpenHolds, bounded
from ports.books import WriterFigures
from ports.durations import Histogram
from tests.entrypoints.test_latencies import event


def a_sum(**fields: Any) -> UsageSum:
    usual = {
        "provider": "acme",
        "model": "small",
        "operation": "chat",
        "ending": "completed",
        "calls": 1,
        "completed": 1,
    }
    return msgspec.structs.replace(nothing(), **(usual | fields))


def samples(
    *sums: UsageSum, latencies: Latencies | None = None, batches: Histogram | None = None
) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    measured = Measured(
        sums=sums,
        holds=OpenHolds(count=2, held_nanos=70, oldest_ms=1_500),
        worker="17",
        latencies=latencies or Latencies(),
        running=3,
        unsettled=1,
        settled_late=4,
        writer=WriterFigures(waiting=5, batches=batches or Histogram(), repeated=6),
    )
    body, _ = exposition(measured, "")
    families = text_string_to_metric_families(body.decode())
    return {(one.name, tuple(sorted(one.labels.items()))): one.value for family in families for one in family.samples}


def test_models_that_never_answered_share_one_name_and_nothing_is_left_out() -> None:
    sums = [a_sum(), a_sum(model="guess-1", completed=0, charge_nanos=3), a_sum(model="guess-2", completed=0)]
    sums.append(a_sum(model="small", ending="provider_failed", completed=0))

    kept = bounded(sums)

    assert {"small", "other"} == {one.model for one in kept}
    assert [getattr(total(sums), name) for name in ADDED] == [getattr(total(kept), name) for name in ADDED]


def test_the_number_of_models_is_bounded() -> None:
    kept = bounded(a_sum(model=f"m{n}", completed=n + 1) for n in range(MODELS_MAX + 5))

    assert MODELS_MAX + 1 == len({one.model for one in kept})
    assert 5 == sum(one.calls for one in kept if one.model == "other")


def test_amounts_of_many_millions_are_exact_to_the_nanocredit() -> None:
    labels = (("ending", "completed"), ("model", "small"), ("operation", "chat"), ("provider", "acme"))
    amount = 9_000_000_123_456_789 - 10**12

    shown = samples(a_sum(charge_nanos=amount, adjusted_nanos=-5, cost_unknown=1))

    assert amount == int(shown["aihub_charge_nanocredits_total", labels])
    assert -5 == shown["aihub_adjustment_nanocredits", labels]
    assert 1 == shown["aihub_unpriced_calls_total", labels]


def test_the_figures_of_a_process_bear_its_name_and_those_of_the_books_do_not() -> None:
    latencies = Latencies()
    latencies.call_ended(event("acme", 30_000, 20_000))

    shown = samples(latencies=latencies)

    assert (2, 70, 1.5) == tuple(
        shown[name, ()] for name in ("aihub_open_holds", "aihub_held_nanocredits", "aihub_oldest_open_hold_seconds")
    )
    assert 1 == shown["aihub_unsettled_calls", (("worker", "17"),)]
    of_call = (("ending", "completed"), ("operation", "chat"), ("provider", "acme"), ("worker", "17"))
    assert 0.03 == shown["aihub_call_duration_seconds_sum", of_call]
    assert [0, 0, 1] == [
        shown["aihub_call_duration_seconds_bucket", tuple(sorted((*of_call, ("le", bound))))]
        for bound in ("0.01", "0.02", "0.04")
    ]


def test_the_writer_s_figures_show_slow_commits_and_what_waits() -> None:
    batches, worker = Histogram(), (("worker", "17"),)
    batches.add(30_000)

    shown = samples(batches=batches)

    assert (5, 6) == (shown["aihub_waiting_decisions", worker], shown["aihub_repeated_batches_total", worker])
    assert 0.03 == shown["aihub_commit_duration_seconds_sum", worker]
    assert 1 == shown["aihub_commit_duration_seconds_bucket", (("le", "0.04"), *worker)]
