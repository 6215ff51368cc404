"""Speech and transcriptions with the official SDK, on every interface: bytes that are no text, forms that are sent on."""

import http.client
import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from tests.behaviour.error_shape import check_error
from tests.behaviour.multipart_forms import form, recording, wave
from tests.behaviour.non_chat_answers import AUDIO, speech_events
from tests.behaviour.plain_calls import RECEIVED, SPEECH, TRANSLATED, ask, events_of, wallet
from tests.behaviour.sdks import openai_sdk
from tests.behaviour.stub import Stub
from tests.support.hub import HubProcess
from tests.support.provider import Received, Reply, answering, streaming


@pytest.fixture
def client(hub: HubProcess) -> Iterator[openai.OpenAI]:
    with openai_sdk(hub) as made:
        yield made


def last_call(hub: HubProcess) -> tuple[str, str, dict[str, int]]:
    """The charge of the newest call, where its usage comes from, and the leaves that were used."""
    newest = hub.cli("call", "show", hub.cli("call", "list", "--limit", "1")[0]["id"])
    return newest["charge"], newest["usage_source"], {unit: n for unit, n in newest["usage"].items() if n}


# --- speech ---------------------------------------------------------------------------------------------------


def test_speech_comes_as_the_provider_spoke_it_and_costs_its_characters(client: openai.OpenAI, hub: HubProcess) -> None:
    with client.audio.speech.with_streaming_response.create(model="oai/tts", voice="alloy", input="Grüße") as answer:
        audio = b"".join(answer.iter_bytes())

    assert ("audio/mpeg", AUDIO) == (answer.headers["content-type"], audio)
    charge, source, usage = last_call(hub)
    assert ("0.005", "provider", 5) == (charge, source, usage["characters"])


def test_speech_of_a_model_sold_by_the_token_is_estimated_by_its_characters(
    client: openai.OpenAI, hub: HubProcess
) -> None:
    client.audio.speech.create(model="oai/speaker", voice="alloy", input="a" * 100).read()

    _, source, usage = last_call(hub)
    assert ("estimated", 200) == (source, usage["output_audio_tokens"])


def test_speech_as_events_reports_its_tokens(client: openai.OpenAI, hub: HubProcess) -> None:
    received = ask(hub, SPEECH, {"model": "oai/speaker", "voice": "a", "input": "Hi", "stream_format": "sse"})

    assert b"".join(speech_events()) == received.body
    assert ("0.000364", "provider", {"input_tokens": 4, "output_audio_tokens": 30, "characters": 2}) == last_call(hub)


def test_what_is_stated_passes_through_but_for_the_name(hub: HubProcess, stub: Stub) -> None:
    requested = {"input": "Hi", "model": "oai/tts", "voice": {"id": "v"}, "instructions": "softly", "speed": 1.5}

    assert 200 == ask(hub, SPEECH, requested).status

    assert {**requested, "model": "tts"} == stub.only.json()


def test_audio_that_breaks_off_never_looks_complete(hub: HubProcess, stub: Stub) -> None:
    """The connection breaks too; Lambda, which collects the answer first, fails the invocation."""

    async def breaking(request: Received, reply: Reply) -> None:
        await reply.start(200, {"content-type": "audio/mpeg"})
        await reply.write(AUDIO[:1000])
        await reply.cut()

    stub.always(breaking)

    with pytest.raises((http.client.IncompleteRead, http.client.HTTPException, ConnectionError, AssertionError)):
        received = ask(hub, SPEECH, {"model": "oai/tts", "voice": "a", "input": "Hello"})
        assert received.status >= 500
        raise ConnectionError
    charge, _, usage = last_call(hub)
    assert ("0.005", 5) == (charge, usage["characters"]), "what was delivered is charged"


def test_speech_is_stated_and_charged_once_for_a_key(hub: HubProcess, stub: Stub) -> None:
    requested = {"model": "oai/tts", "voice": "a", "input": "Hello"}
    key = {"idempotency-key": f"speech-{hub.interface}"}

    first, again = (ask(hub, SPEECH, requested, headers=key) for _ in range(2))

    assert (AUDIO, AUDIO) == (first.body, again.body)
    assert ("audio/mpeg", "true") == (again.header("content-type"), again.header("idempotent-replayed"))
    assert 1 == len(stub.requests)


@pytest.mark.usefixtures("nothing_moves")
@pytest.mark.parametrize(("fields", "param"), [
    ({"model": "oai/tts"},                                        "input"),
    ({"model": "oai/tts", "input": ""},                           "input"),
    ({"model": "oai/tts", "input": "a", "stream_format": "wav"},  "stream_format"),
    ({"model": "oai/whisper", "input": "a"},                      "speech"),
    ({"model": "ant/m", "input": "a"},                            "speech"),
])  # fmt: skip
def test_what_cannot_be_stated_is_refused_by_name(hub: HubProcess, fields: dict[str, Any], param: str) -> None:
    assert param == check_error(ask(hub, SPEECH, {"voice": "a", **fields}), SPEECH, 400)["param"]


def test_the_echo_speaks_a_silence(client: openai.OpenAI, hub: HubProcess) -> None:
    audio = client.audio.speech.create(model="echo/echo", voice="alloy", input="three small words").read()

    assert (b"RIFF", 44 + 3 * 800) == (audio[:4], len(audio))
    assert ("0.000017", "provider") == last_call(hub)[:2]


# --- transcription --------------------------------------------------------------------------------------------


def test_a_recording_is_received_and_costs_the_seconds_that_the_provider_counts(
    client: openai.OpenAI, hub: HubProcess
) -> None:
    answer = client.audio.transcriptions.create(model="oai/whisper", file=("a.wav", wave(2_500)))

    assert "Hello" == answer.text
    assert ("0.03", "provider", {"seconds": 3}) == last_call(hub)


def test_subtitles_count_nothing_so_the_recording_does(client: openai.OpenAI, hub: HubProcess) -> None:
    answer: Any = client.audio.transcriptions.create(
        model="oai/whisper", file=("a.wav", wave(1_200)), response_format="vtt"
    )

    assert str(answer).startswith("WEBVTT")
    charge, source, usage = last_call(hub)
    assert ("0.02", "estimated", 2) == (charge, source, usage["seconds"])


@pytest.mark.parametrize("stream", [False, True])
def test_a_model_sold_by_the_token_reports_its_tokens(client: openai.OpenAI, hub: HubProcess, stream: bool) -> None:
    if stream:
        events = list(client.audio.transcriptions.create(model="oai/listener", file=("a.wav", wave(900)), stream=True))
        assert ["transcript.text.delta", "transcript.text.done"] == [event.type for event in events]
    else:
        client.audio.transcriptions.create(model="oai/listener", file=("a.wav", wave(900)))

    charge, source, usage = last_call(hub)
    reported = {"input_tokens": 1, "input_audio_tokens": 6, "output_tokens": 5, "seconds": 1}
    assert ("0.000035", "provider", reported) == (charge, source, usage)


def test_the_form_goes_on_as_it_came_but_for_the_name(hub: HubProcess, stub: Stub) -> None:
    body = recording("oai/whisper", language="de", prompt="Grüße", temperature="0.2", unheard_of="x")

    received = ask(hub, TRANSLATED, body)

    assert body.replace(b"oai/whisper", b"whisper") == stub.only.body
    assert "multipart/form-data; boundary=form" == stub.only.headers["content-type"]
    assert str(len(stub.only.body)) == stub.only.headers["content-length"]
    assert b'"future_field": 1.5' in received.body


def test_the_same_form_under_another_boundary_is_the_same_request(hub: HubProcess, stub: Stub) -> None:
    key = {"idempotency-key": f"sound-{hub.interface}"}
    body = recording("oai/whisper")
    other = {**key, "content-type": "multipart/form-data; boundary=other"}

    first = ask(hub, RECEIVED, body, headers=key)
    again = ask(hub, RECEIVED, body.replace(b"--form", b"--other"), headers=other)

    assert (200, 200, first.body) == (first.status, again.status, again.body)
    assert 1 == len(stub.requests)


@pytest.mark.usefixtures("nothing_moves")
@pytest.mark.parametrize(("body", "param"), [
    (b"{}",                                                                  None),
    (b"--form\r\n",                                                          None),
    (recording("oai/whisper")[:-20],                                         None),
    (recording("oai/whisper") + b"more",                                     None),
    (recording("oai/whisper", prompt="--form"),                              None),
    (form({"file": ("a.wav", wave(9))}),                                     "model"),
    (form({}, model="oai/whisper"),                                          "file"),
    (form({"file": ("a.txt", b"no sound")}, model="oai/whisper"),            "file"),
    (form({"file": ("a", wave(9)), "other": ("b", b"")}, model="oai/whisper"), "file"),
    (recording("oai/whisper", response_format="xml"),                        "response_format"),
    (recording("oai/whisper", stream="maybe"),                               "stream"),
    (recording("oai/whisper").replace(b'name="model"', b'name="model"; name="n"'), None),
    (recording("oai/whisper", ms=9).replace(b'name="file"', b'name="model"').replace(b'; filename="a.wav"', b""), None),
    (recording("oai/tts"),                                                   "transcription"),
    (recording("ant/m"),                                                     "transcription"),
])  # fmt: skip
def test_what_cannot_be_received_is_refused(hub: HubProcess, body: bytes, param: str | None) -> None:
    error = check_error(ask(hub, RECEIVED, body), RECEIVED, 400)

    assert param is None or param == error["param"]


def test_a_field_given_twice_is_refused_for_two_readers_may_take_either(hub: HubProcess, stub: Stub) -> None:
    again = b'--form\r\nContent-Disposition: form-data; name="model"\r\n\r\noai/listener\r\n'

    assert "model" == check_error(ask(hub, RECEIVED, again + recording("oai/whisper")), RECEIVED, 400)["param"]
    assert [] == stub.requests


@pytest.mark.usefixtures("free")
@pytest.mark.parametrize("nonsense", [b"", b"[]", b"{}", b'{"text": [1]}'])
def test_nonsense_is_a_502_and_costs_nothing(hub: HubProcess, stub: Stub, nonsense: bytes) -> None:
    stub.always(answering(200, nonsense))

    check_error(ask(hub, RECEIVED, recording("oai/whisper")), RECEIVED, 502)


@pytest.mark.parametrize("usage", ["none", {"seconds": -1}, {"seconds": "many"}, [], {"seconds": "1.5"}])
def test_seconds_that_cannot_be_read_are_those_of_the_recording(hub: HubProcess, stub: Stub, usage: Any) -> None:
    stub.always(answering(200, json.dumps({"text": "a", "usage": usage}).encode()))

    assert 200 == ask(hub, RECEIVED, recording("oai/whisper")).status
    assert 0 < last_call(hub)[2]["seconds"]


def test_events_that_are_cut_never_look_complete(hub: HubProcess, stub: Stub) -> None:
    stub.always(streaming(b'data: {"type": "transcript.text.delta", "delta": "He"}\n\n', cut=True))

    received = ask(hub, RECEIVED, recording("oai/listener", stream="true"))

    assert "error" in events_of(received.body)[-1][1]


@pytest.mark.parametrize("answer", ["json", "text", "srt", "vtt", "verbose_json"])
def test_the_echo_receives_how_long_it_was(client: openai.OpenAI, hub: HubProcess, answer: Any) -> None:
    said: Any = client.audio.transcriptions.create(
        model="echo/echo", file=("a.wav", wave(2_500)), response_format=answer
    )

    assert "3 seconds of sound" in (said if isinstance(said, str) else said.text)
    assert "0.0003" == last_call(hub)[0][:6]


def test_a_refusal_of_the_provider_is_shown_as_it_is(hub: HubProcess, stub: Stub) -> None:
    stub.always(answering(400, json.dumps({"error": {"message": "too quiet", "type": "x"}}).encode()))

    received = ask(hub, RECEIVED, recording("oai/whisper"))

    assert (400, {"message": "too quiet", "type": "x"}) == (received.status, received.json()["error"])
    assert "0" == wallet(hub)["held"]
