"""`GET /metrics`: what the books have, for operators and for the holder of the token, in Prometheus' own words."""

from pathlib import Path
from typing import Any

from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from domain.pricing.money import parse_credits
from tests.behaviour.conftest import People
from tests.behaviour.error_shape import check_error
from tests.behaviour.plain_calls import CHAT, Response, ask, openai_body
from tests.behaviour.stub import Stub
from tests.support.hub import HubProcess, running_hub

METRICS = "/metrics"
TOKEN = "token-of-the-scraper-0001"


def samples(received: Response) -> list[Sample]:
    assert 200 == received.status, received.body
    return [one for family in text_string_to_metric_families(received.body.decode()) for one in family.samples]


def total(found: list[Sample], name: str, **labels: str) -> int:
    return int(sum(one.value for one in found if one.name == name and labels.items() <= one.labels.items()))


def test_money_and_tokens_are_those_of_the_call_log(hub: HubProcess, stub: Stub) -> None:
    for model in ("oai/m", "echo"):
        assert 200 == ask(hub, CHAT, openai_body(model)).status

    found, calls = samples(ask(hub, METRICS)), hub.calls()

    assert len(calls) == total(found, "aihub_calls_total")
    assert sum(parse_credits(call["charge"]) for call in calls) == total(found, "aihub_charge_nanocredits_total")
    assert (0, 0) == (total(found, "aihub_open_holds"), total(found, "aihub_unsettled_calls"))
    assert 1 <= total(found, "aihub_call_duration_seconds_count", provider="oai", ending="completed")
    answered = [call for call in calls if call["provider"] == "oai" and call["ending"] == "completed"]
    assert len(answered) == total(found, "aihub_calls_total", provider="oai", ending="completed")


def test_no_user_no_key_and_no_secret_is_in_it(hub: HubProcess, stub: Stub, people: People) -> None:
    ask(hub, CHAT, openai_body("oai/m"), key=people.guest)

    body = ask(hub, METRICS).body.decode()

    assert not [word for word in ("guest", "user_", "key_", "sk-", "ahk_") if word in body]


def test_a_guest_is_refused(hub: HubProcess, stub: Stub, people: People) -> None:
    check_error(ask(hub, METRICS, key=people.guest), METRICS, 403)


def test_a_scraper_that_accepts_openmetrics_gets_it(hub: HubProcess, stub: Stub) -> None:
    received = ask(hub, METRICS, headers={"accept": "application/openmetrics-text; version=1.0.0"})

    content_type = received.header("content-type")
    assert content_type is not None
    assert content_type.startswith("application/openmetrics-text")
    assert [*openmetrics.text_string_to_metric_families(received.body.decode())]


def test_the_token_reads_the_metrics_and_nothing_else(tmp_path: Path) -> None:
    with running_hub(tmp_path / "data", env={"AIHUB_METRICS_TOKEN": TOKEN}) as hub:
        assert samples(ask(hub, METRICS, key=TOKEN))
        assert [401, 401, 401] == [ask(hub, path, body, key=key).status for path, body, key in _without_right()]


def _without_right() -> list[tuple[str, Any, str]]:
    return [(METRICS, None, TOKEN + "x"), ("/v1/models", None, TOKEN), (CHAT, openai_body("echo"), TOKEN)]


def test_the_sums_outlive_the_process_and_its_latencies_do_not(tmp_path: Path) -> None:
    with running_hub(tmp_path / "data", billed=False) as hub:
        assert 200 == ask(hub, CHAT, openai_body("echo")).status
        before = samples(ask(hub, METRICS))
        hub.stop()
        hub.start()
        after = samples(ask(hub, METRICS))

    counted = [
        total(found, name)
        for found in (before, after)
        for name in ("aihub_calls_total", "aihub_call_duration_seconds_count")
    ]
    assert [1, 1, 1, 0] == counted
