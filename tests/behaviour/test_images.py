"""Images with the official SDK: by the piece and by the token, whole and streamed, made and changed."""

import json
from base64 import b64decode
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from tests.behaviour.error_shape import check_error
from tests.behaviour.multipart_forms import form
from tests.behaviour.non_chat_answers import PACKED
from tests.behaviour.plain_calls import EDITS, IMAGES, ask, events_of
from tests.behaviour.sdks import openai_sdk
from tests.behaviour.stub import Stub
from tests.behaviour.test_audio import last_call
from tests.support.hub import HubProcess
from tests.support.provider import answering, streaming

PNG = {"image": ("a.png", b"\x89PNG\r\n\x1a\n\xff")}
PAINTED = {"input_tokens": 50, "input_image_tokens": 300, "output_image_tokens": 1_000, "images": 1}


@pytest.fixture
def client(hub: HubProcess) -> Iterator[openai.OpenAI]:
    with openai_sdk(hub) as made:
        yield made


def test_images_sold_by_the_piece_cost_as_many_as_came(client: openai.OpenAI, hub: HubProcess) -> None:
    answer = client.images.generate(model="oai/dall", prompt="a cat", n=2, size="1024x1024")

    assert [PACKED, PACKED] == [image.b64_json for image in answer.data or ()]
    assert ("0.08", "provider", {"images": 2}) == last_call(hub)


def test_fewer_images_than_requested_cost_less(hub: HubProcess, stub: Stub) -> None:
    stub.will(answering(200, b'{"created": 1, "data": [{"url": "https://x.test"}]}'))

    received = ask(hub, IMAGES, {"model": "oai/dall", "prompt": "a cat", "n": 4})

    assert "0.04" == received.header("x-aihub-charge")


@pytest.mark.parametrize(("requested", "reported", "charge"), [
    ({"size": "1024x1024", "quality": "hd"}, {},                                              "0.04"),
    ({"size": "1024x1536", "quality": "hd"}, {},                                              "0.12"),
    ({"size": "1024x1536", "quality": "hd"}, {"size": "1024x1536", "quality": "standard"},    "0.08"),
    ({"size": "auto"},                       {"size": "1024x1024", "quality": "standard"},    "0.04"),
    ({"size": "auto"},                       {},                                              "0.12"),
    ({},                                     {"size": 7, "quality": {}},                      "0.12"),
])  # fmt: skip
def test_images_sold_by_size_and_quality_cost_what_was_made(
    hub: HubProcess, stub: Stub, requested: dict[str, str], reported: dict[str, Any], charge: str
) -> None:
    stub.will(answering(200, json.dumps({"created": 1, "data": [{"b64_json": "AAAA"}], **reported}).encode()))

    received = ask(hub, IMAGES, {"model": "oai/sized", "prompt": "a cat", **requested})

    assert charge == received.header("x-aihub-charge")
    call = hub.cli("call", "show", received.header("x-request-id") or "")
    known = {
        **{name: word for name, word in requested.items() if word != "auto"},
        **(reported if reported.get("size") != 7 else {}),
    }
    assert [known.get("size"), known.get("quality")] == [call["size"], call["quality"]]


def test_a_form_and_a_stream_are_priced_by_size_too(hub: HubProcess, stub: Stub) -> None:
    body = form(PNG, model="oai/sized", prompt="a cat", size="1024x1536", quality="standard")
    assert "0.08" == ask(hub, EDITS, body).header("x-aihub-charge")

    done = {"type": "image_generation.completed", "b64_json": "AAAA", "size": "1024x1536", "quality": "hd"}
    stub.will(streaming(b"data: " + json.dumps(done).encode() + b"\n\n"))
    ask(hub, IMAGES, {"model": "oai/sized", "prompt": "a cat", "stream": True})
    assert ("0.12", "provider", {"images": 1}) == last_call(hub)


def test_images_sold_by_the_token_cost_what_the_provider_counted(client: openai.OpenAI, hub: HubProcess) -> None:
    """50 at 5, 300 at 10 and 1,000 at 40 credits a million."""
    answer = client.images.generate(model="oai/painter", prompt="a cat")

    assert answer.usage is not None
    assert 1_350 == answer.usage.total_tokens
    assert ("0.04325", "provider", PAINTED) == last_call(hub)


def test_a_streamed_image_comes_in_the_making(client: openai.OpenAI, hub: HubProcess) -> None:
    events = list(client.images.generate(model="oai/painter", prompt="a cat", stream=True, partial_images=1))

    assert ["image_generation.partial_image", "image_generation.completed"] == [event.type for event in events]
    assert ("0.04325", "provider", PAINTED) == last_call(hub)


def test_an_image_whose_tokens_nobody_reported_is_estimated(hub: HubProcess, stub: Stub) -> None:
    stub.will(answering(200, b'{"data": [{"b64_json": "AAAA"}]}'))

    ask(hub, IMAGES, {"model": "oai/painter", "prompt": "a cat"})

    _, source, usage = last_call(hub)
    assert ("estimated", 4_160, 1) == (source, usage["output_image_tokens"], usage["images"])


def test_images_are_changed_by_a_form_that_goes_on_as_it_came(
    client: openai.OpenAI, hub: HubProcess, stub: Stub
) -> None:
    client.images.edit(model="oai/painter", prompt="a hat", image=[("a.png", b"\xff\0a"), ("b.png", b"b")], n=1)

    assert b'name="model"\r\n\r\npainter\r\n' in stub.only.body
    assert b"\xff\0a" in stub.only.body
    assert stub.only.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert ("0.04325", "provider", PAINTED) == last_call(hub)


def test_images_may_be_named_instead_of_sent(hub: HubProcess, stub: Stub) -> None:
    requested = {"model": "oai/painter", "prompt": "a hat", "images": [{"file_id": "file-1"}], "future": 1.5}

    assert 200 == ask(hub, EDITS, requested).status

    assert {**requested, "model": "painter"} == stub.only.json()
    assert stub.only.path.endswith("/images/edits")


@pytest.mark.usefixtures("nothing_moves")
@pytest.mark.parametrize(("fields", "param"), [
    ({"model": "oai/dall"},                                            "prompt"),
    ({"prompt": "a cat"},                                              "model"),
    ({"model": "oai/dall", "prompt": ""},                              "prompt"),
    ({"model": "oai/dall", "prompt": "a", "n": 11},                    "n"),
    ({"model": "oai/dall", "prompt": "a", "n": 2, "stream": True},     "n"),
    ({"model": "oai/whisper", "prompt": "a"},                          "images"),
    ({"model": "ant/m", "prompt": "a"},                                "images"),
])  # fmt: skip
def test_what_cannot_be_pictured_is_refused_by_name(hub: HubProcess, fields: dict[str, Any], param: str) -> None:
    assert param == check_error(ask(hub, IMAGES, fields), IMAGES, 400)["param"]


@pytest.mark.usefixtures("nothing_moves")
@pytest.mark.parametrize(("body", "param"), [
    (form({}, model="oai/dall", prompt="a"),                      "image"),
    (form(PNG, model="oai/dall"),                                 "prompt"),
    (form(PNG, prompt="a"),                                       "model"),
    (form(PNG, model="oai/dall", prompt="a", n="11"),             "n"),
    (form(PNG, model="oai/dall", prompt="a", n="-1"),             "n"),
    (form(PNG, model="oai/dall", prompt="a", n="9" * 5_000),      "n"),
    (form(PNG, model="oai/dall", prompt="a", stream="maybe"),     "stream"),
    (form(PNG, model="oai/dall", prompt="a", n="2", stream="1"),  "n"),
    (b'{"model": "oai/dall", "prompt": "a"}',                     "images"),
])  # fmt: skip
def test_what_cannot_be_changed_is_refused_by_name(hub: HubProcess, body: bytes, param: str) -> None:
    assert param == check_error(ask(hub, EDITS, body), EDITS, 400)["param"]


@pytest.mark.usefixtures("free")
@pytest.mark.parametrize(
    "nonsense", [b"", b"[]", b'{"data": []}', b'{"data": 1}', b'{"error": {"message": "no image today"}}']
)
def test_nonsense_is_a_502_and_costs_nothing(hub: HubProcess, stub: Stub, nonsense: bytes) -> None:
    stub.always(answering(200, nonsense))

    check_error(ask(hub, IMAGES, {"model": "oai/dall", "prompt": "a"}), IMAGES, 502)


def test_a_stream_without_its_image_never_looks_complete(hub: HubProcess, stub: Stub) -> None:
    stub.will(streaming(b'data: {"type": "image_generation.partial_image", "b64_json": "AAAA"}\n\n'))

    received = ask(hub, IMAGES, {"model": "oai/painter", "prompt": "a", "stream": True})

    assert "error" in events_of(received.body)[-1][1]


def test_the_echo_images_a_pixel(client: openai.OpenAI, hub: HubProcess) -> None:
    made = client.images.generate(model="echo/echo", prompt="a cat", n=2)
    changed = client.images.edit(model="echo/echo", prompt="a cat", image=("a.png", b"x"))
    events = list(client.images.generate(model="echo/echo", prompt="a cat", stream=True, partial_images=2))

    assert made.data is not None
    assert changed.data is not None
    assert made.data[0] == changed.data[0]
    assert b64decode(made.data[0].b64_json or "").startswith(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01")
    assert ["partial_image", "partial_image", "completed"] == [event.type.split(".")[1] for event in events]
    assert ("0.01", "provider", {"images": 1}) == last_call(hub)


def test_another_kind_of_provider_makes_images_by_its_own_fields(
    client: openai.OpenAI, hub: HubProcess, stub: Stub
) -> None:
    stub.will(
        answering(200, b'{"data": [{"url": "https://i.test/1", "prompt": "A cat"}, {"url": "https://i.test/2"}]}')
    )

    answer = client.images.generate(model="ideo/ideogram-v3", prompt="a cat", n=2, size="1024x1024")

    assert ["https://i.test/1", "https://i.test/2"] == [image.url for image in answer.data or ()]
    assert stub.only.path.endswith("/ideogram-v3/generate")
    assert b'name="aspect_ratio"\r\n\r\n1x1\r\n' in stub.only.body
    assert ("0.12", "provider", {"images": 2}) == last_call(hub)


@pytest.mark.usefixtures("nothing_moves")
def test_what_another_kind_of_provider_cannot_express_is_refused_by_name(hub: HubProcess) -> None:
    requested = {"model": "ideo/ideogram-v3", "prompt": "a cat"}

    for more, param in (({"quality": "high"}, "quality"), ({"stream": True}, "stream"), ({"size": "64x64"}, "size")):
        assert param == check_error(ask(hub, IMAGES, {**requested, **more}), IMAGES, 400)["param"]
    body = form(PNG, model="ideo/ideogram-v3", prompt="a hat")
    assert "image" == check_error(ask(hub, EDITS, body), EDITS, 400)["param"]
