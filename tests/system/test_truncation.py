"""A truncated provider stream never looks complete (G19), and is charged only if output was delivered (G5)."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.simulation.auditor import CallRow, audit
from tests.support.hub import HubProcess, running_hub
from tests.system.raw_client import ANTHROPIC, OPENAI, Response, ask, chat, events_of
from tests.system.scripted_answers import Script, streamed, whole
from tests.system.scripted_provider import ScriptedProvider
from tests.system.users import Person, person

pytestmark = pytest.mark.anyio

SAMPLES_IN_EVENT = 4
PAIRS = pytest.mark.parametrize(
    ("path", "dialect"), [(path, dialect) for path in (OPENAI, ANTHROPIC) for dialect in ("openai", "anthropic")]
)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory, provider: ScriptedProvider) -> Iterator[HubProcess]:
    with _hub(tmp_path_factory.mktemp("truncation") / "data", provider, timeout_s=60) as running:
        yield running


@pytest.fixture(scope="module")
def impatient_hub(tmp_path_factory: pytest.TempPathFactory, provider: ScriptedProvider) -> Iterator[HubProcess]:
    """A hub that allows a second of silence: for the tests in which a provider is silent, and for no other."""
    with _hub(tmp_path_factory.mktemp("silence") / "data", provider, timeout_s=1) as running:
        yield running


@contextmanager
def _hub(data_dir: Path, provider: ScriptedProvider, timeout_s: int) -> Iterator[HubProcess]:
    env = {"AIHUB_MAX_RETRIES": "0", "AIHUB_UPSTREAM_TIMEOUT_S": str(timeout_s)}
    with running_hub(data_dir, env=env) as running:
        running.add_provider("openai-stub", provider.base_url)
        running.add_provider("anthropic-stub", provider.base_url, "anthropic")
        yield running


@pytest.fixture(scope="module")
def buyer(hub: HubProcess) -> Person:
    return person(hub, "buyer", 10**12)


@pytest.fixture(scope="module")
def impatient_buyer(impatient_hub: HubProcess) -> Person:
    return person(impatient_hub, "buyer", 10**12)


def cuts(events: list[bytes]) -> list[int]:
    """Where to cut a stream: at every boundary between its events, and at some places inside each."""
    ends = [0, *accumulate(map(len, events))]
    inside = [
        start + size * part // SAMPLES_IN_EVENT
        for start, size in zip(ends, map(len, events), strict=False)
        for part in range(1, SAMPLES_IN_EVENT)
    ]
    before_its_last_byte = [end - 1 for end in ends[1:]]
    return sorted({*ends[:-1], *inside, *before_its_last_byte})


def arrived(events: list[bytes], cut: int, closed: bool) -> list[bytes]:
    """The events that are whole in so many bytes; at a proper end of the body the last may lack its blank line."""
    blank = 2 if closed else 0
    return [event for event, end in zip(events, accumulate(map(len, events)), strict=True) if end - blank <= cut]


@PAIRS
@pytest.mark.parametrize("closed", [False, True], ids=["cut", "closed"])
async def test_a_stream_cut_anywhere_ends_in_an_error_and_no_ending_is_made_up(
    hub: HubProcess, buyer: Person, path: str, dialect: str, closed: bool
) -> None:
    script = Script(id=f"{path}-{dialect}-{closed}", tool=True, closed=closed)
    events = streamed(script, dialect)
    places = cuts(events)

    received = await asyncio.gather(*(_stream(hub, buyer, path, dialect, script, cut=cut) for cut in places))

    calls = audit(hub.data_dir).calls
    for cut, answer in zip(places, received, strict=True):
        sent, row = arrived(events, cut, closed), calls[answer.call_id]
        if closed and _stops(events_of(b"".join(sent))) and len(b"".join(sent)) - 2 <= cut <= len(b"".join(sent)):
            _check_whole(answer, row, sent, f"closed at {cut}")
        else:
            _check_broken(answer, row, path, sent, f"cut at {cut}")


@PAIRS
async def test_an_error_in_the_middle_of_a_stream_reaches_the_caller_as_an_error(
    hub: HubProcess, buyer: Person, path: str, dialect: str
) -> None:
    script = Script(id=f"{path}-{dialect}-error", tool=True)
    events = streamed(script, dialect)
    places = range(len(events))

    received = await asyncio.gather(*(_stream(hub, buyer, path, dialect, script, error_after=n) for n in places))

    calls = audit(hub.data_dir).calls
    for place, answer in zip(places, received, strict=True):
        _check_broken(answer, calls[answer.call_id], path, events[:place], f"error after {place} events")


@PAIRS
async def test_a_provider_that_falls_silent_has_timed_out(
    impatient_hub: HubProcess, impatient_buyer: Person, path: str, dialect: str
) -> None:
    script = Script(id=f"{path}-{dialect}-silent")

    answer = await _stream(impatient_hub, impatient_buyer, path, dialect, script, silent_after=4)

    row = audit(impatient_hub.data_dir).calls[answer.call_id]
    _check_broken(answer, row, path, streamed(script, dialect)[:4], "silent", ending="timed_out")


async def test_a_provider_that_never_comes_to_an_end_is_left_at_the_deadline(
    impatient_hub: HubProcess, impatient_buyer: Person, provider: ScriptedProvider
) -> None:
    """The deadline is six times the silence that is allowed, and here one is never silent for so long."""
    talking = Script(id="talks for ever", words=500, pace_ms=50)
    thinking = Script(id="thinks for ever", keep_alive=True)

    talked, thought = await asyncio.gather(
        *(_stream(impatient_hub, impatient_buyer, OPENAI, "openai", script) for script in (talking, thinking))
    )

    calls = audit(impatient_hub.data_dir).calls
    assert thought.status == 504
    assert [calls[received.call_id].ending for received in (talked, thought)] == ["timed_out", "timed_out"]
    assert _is_error(events_of(talked.body)[-1], OPENAI)
    assert calls[talked.call_id].charge > 0 == calls[thought.call_id].charge


@PAIRS
async def test_a_whole_answer_that_is_cut_is_an_error_and_free(
    hub: HubProcess, buyer: Person, path: str, dialect: str
) -> None:
    size = len(whole(Script(id=""), dialect))
    scripts = [
        Script(id=f"{path}-{dialect}-whole-{cut}", cut=cut, closed=cut % 2 == 1)
        for cut in (0, 1, size // 2, size // 2 + 1, size - 1)
    ]

    received = await asyncio.gather(*(_whole(hub, buyer, path, dialect, script) for script in scripts))

    calls = audit(hub.data_dir).calls
    for answer in received:
        assert answer.status == 502
        _check_failed(answer, calls[answer.call_id], path)


@PAIRS
@pytest.mark.parametrize("stream", [False, True])
async def test_an_error_instead_of_an_answer_is_free(
    hub: HubProcess, buyer: Person, path: str, dialect: str, stream: bool
) -> None:
    statuses = (400, 404, 409, 422, 429, 500, 503)
    scripts = [Script(id=f"{path}-{dialect}-{s}-{stream}", first=s, status=s) for s in statuses]

    received = await asyncio.gather(
        *((_stream if stream else _whole)(hub, buyer, path, dialect, script) for script in scripts)
    )

    calls = audit(hub.data_dir).calls
    for status, answer in zip(statuses, received, strict=True):
        assert answer.status == status
        _check_failed(answer, calls[answer.call_id], path)


async def _stream(hub: HubProcess, buyer: Person, path: str, dialect: str, script: Script, **fields: Any) -> Response:
    """A streamed call whose script has these fields besides."""
    changed = msgspec.structs.replace(script, **fields)
    return await ask(hub.port, buyer.key, chat(changed, model=f"{dialect}-stub/m", stream=True), path)


async def _whole(hub: HubProcess, buyer: Person, path: str, dialect: str, script: Script) -> Response:
    return await ask(hub.port, buyer.key, chat(script, model=f"{dialect}-stub/m"), path)


def _check_broken(
    answer: Response, row: CallRow, path: str, sent: list[bytes], place: str, ending: str = "provider_failed"
) -> None:
    """What the provider sent before it broke was relayed, then came an error; the row says the same."""
    if not sent:
        assert answer.status >= 400, place
        _check_failed(answer, row, path)
        return
    assert (answer.status, answer.whole) == (200, True), place
    *reported, last = events_of(answer.body)
    assert _is_error(last, path), f"{place}: the last event is {last}"
    assert not any(_is_error(event, path) or _is_terminal(event) for event in reported), place
    assert _output(reported) == _output(events_of(b"".join(sent))), place
    if _stops(reported):
        assert _stops(events_of(b"".join(sent))), f"{place}: a stop was made up"
    assert (row.ending, row.complete) == (ending, 0), place
    assert (row.charge > 0) == bool(_output(reported)), f"{place}: {_output(reported)} was delivered for {row.charge}"


def _check_whole(answer: Response, row: CallRow, sent: list[bytes], place: str) -> None:
    """The model said that it stopped, and the body ended as HTTP ends it: nothing is missing but a word for that."""
    assert (answer.status, answer.whole) == (200, True), place
    reported = events_of(answer.body)
    assert _is_terminal(reported[-1]), place
    assert _output(reported) == _output(events_of(b"".join(sent))), place
    assert (row.ending, row.complete) == ("completed", 1), place
    assert row.charge > 0, place


def _check_failed(answer: Response, row: CallRow, path: str) -> None:
    """An answer that never began: an error in the caller's dialect, and free."""
    reported = msgspec.json.decode(answer.body)
    assert reported["error"]["message"]
    assert path == OPENAI or reported["type"] == "error"
    assert (row.ending, row.complete, row.charge) == ("provider_failed", 0, 0)


def _is_error(event: tuple[str, Any], path: str) -> bool:
    name, data = event
    if path == ANTHROPIC:
        return name == "error" and data["type"] == "error" and bool(data["error"]["message"])
    return name == "" and isinstance(data, dict) and bool(data.get("error", {}).get("message"))


def _is_terminal(event: tuple[str, Any]) -> bool:
    return event[0] == "message_stop" or event[1] == "[DONE]"


def _stops(events: list[tuple[str, Any]]) -> bool:
    """Whether the model is said to have stopped, in either dialect."""
    said = [data for _, data in events if isinstance(data, dict)]
    return any(
        data.get("delta", {}).get("stop_reason") or any(choice["finish_reason"] for choice in data.get("choices", ()))
        for data in said
    )


def _output(events: list[tuple[str, Any]]) -> str:
    """The text, the tool's name and its arguments, in either dialect."""
    said = ""
    for _, data in events:
        if not isinstance(data, dict):
            continue
        for choice in data.get("choices", ()):
            delta = choice["delta"]
            said += delta.get("content") or ""
            for call in delta.get("tool_calls", ()):
                said += call["function"].get("name", "") + call["function"].get("arguments", "")
        delta = data.get("delta", {})
        said += delta.get("text", "") + delta.get("partial_json", "") + data.get("content_block", {}).get("name", "")
    return said
