"""Recorded traffic of the Gemini API and of Vertex, against a naive reading of the same JSON.

The recordings lie beside the repository, or where AIHUB_RECORDINGS says; without them nothing runs here.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest

from adapters.providers.google import GOOGLE
from tests.recordings.google_meaning import as_stream, read_naively
from tests.recordings.seen import label, recorded
from tests.support.google import reported, streamed

FILES = ("google-generateContent", "google-generateContent-stream", "google-vertex-generateContent")

_RECORDED = {label(file, number): exchange for file in FILES for number, exchange in enumerate(recorded(file))}


def _exchanges(wanted: Callable[[Any], bool]) -> list[Any]:
    return [pytest.param(exchange, id=name) for name, exchange in _RECORDED.items() if wanted(exchange)]


def _is_stream(exchange: Any) -> bool:
    return "event-stream" in exchange["response"]["content_type"]


def _is_answered(exchange: Any) -> bool:
    return bool(exchange["response"]["status"] == 200)


_ANSWERED = _exchanges(_is_answered)
_WHOLE = _exchanges(lambda exchange: _is_answered(exchange) and not _is_stream(exchange))
_STREAMED = _exchanges(_is_stream)
_FAILED = _exchanges(lambda exchange: not _is_answered(exchange))


def _body(exchange: Any) -> bytes:
    return bytes(exchange["response"]["text"].encode())


def _reported(exchange: Any) -> dict[str, Any]:
    body = _body(exchange)
    return reported(streamed(body) if _is_stream(exchange) else GOOGLE.decode(body))


def test_the_recordings_are_all_there() -> None:
    """A folder that was moved or renamed must not pass as tests that found nothing."""
    assert (120 <= len(_WHOLE), 7 <= len(_STREAMED), 1 <= len(_FAILED)) == (True, True, True)


@pytest.mark.parametrize("exchange", _ANSWERED)
def test_an_answer_means_what_a_naive_reading_finds(exchange: Any) -> None:
    naive, said = read_naively(_body(exchange), _is_stream(exchange)), _reported(exchange)

    assert (naive["id"], naive["model"]) == said["started"]
    assert naive["text"] == said["text"]
    assert naive["thinking"] == "".join(text for text, _ in said["thoughts"].values())
    assert naive["calls"] == [(name, arguments) for _, name, arguments in said["calls"].values()]
    assert naive["signed"] == said["signed"]
    assert [naive["finish"]] == said["finish"]
    assert naive["usage"] == (said["usage"] or {})
    assert [block for block in said["foreign"] if block[0] in {name for name, _ in naive["foreign"]}] == naive[
        "foreign"
    ]
    assert naive["cited"] == [(url, text) for url, _, text, _, _ in said["cited"]]
    assert all(said["text"][start:end] == text for _, _, text, start, end in said["cited"] if start is not None)
    assert (True, None) == (said["ended"], said["failure"])


@pytest.mark.parametrize("exchange", _ANSWERED)
def test_every_call_has_an_id_that_no_other_call_has(exchange: Any) -> None:
    ids = [call_id for call_id, _, _ in _reported(exchange)["calls"].values()]

    assert len(set(ids)) == len(ids)
    assert all(ids)


@pytest.mark.parametrize("exchange", _WHOLE)
def test_a_recorded_answer_sent_as_a_stream_has_the_same_content(exchange: Any) -> None:
    assert _reported(exchange) == reported(streamed(as_stream(_body(exchange))))


@pytest.mark.parametrize("exchange", _STREAMED)
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_no_cut_and_no_comment_changes_a_recorded_stream(exchange: Any, line_end: bytes) -> None:
    body = _body(exchange).replace(b"\r\n", b"\n").replace(b"\n", line_end)
    whole = reported(streamed(body))
    commented = body.replace(line_end * 2, line_end * 2 + b": still thinking" + line_end * 2)

    assert whole == reported(streamed(*(body[at : at + 1] for at in range(len(body)))))
    assert whole == reported(streamed(commented))
    cuts = range(1, len(body), max(1, len(body) // 500))
    assert all(whole == reported(streamed(body[:at], body[at:])) for at in cuts)


@pytest.mark.parametrize("exchange", _STREAMED)
def test_a_recorded_stream_that_was_cut_short_never_looks_complete(exchange: Any) -> None:
    body = _body(exchange).rstrip() + b"\r\n\r\n"
    last = body.rstrip().rindex(b"data:")

    for end in (last, last + 7, len(body) - 5):
        assert not reported(streamed(body[:end]))["ended"]
    assert reported(streamed(body[: len(body) - 2]))["ended"], "nothing is missing but the blank line"


@pytest.mark.parametrize("exchange", _FAILED)
def test_a_recorded_failure_keeps_its_status_code_and_message(exchange: Any) -> None:
    response = exchange["response"]
    failure = GOOGLE.failure(response["status"], {}, _body(exchange))

    error = json.loads(response["text"])["error"]
    assert ("request_rejected", error["code"], error["status"]) == (failure.kind, failure.status, failure.code)
    assert " ".join(error["message"].split()) == failure.message
