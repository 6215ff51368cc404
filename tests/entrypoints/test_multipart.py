"""Forms are read as any other strict reader reads them, or refused."""

from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.refusals import BadRequest
from entrypoints.http.dialects.openai_media.multipart import Read, read_form
from tests.behaviour.multipart_forms import FORM, form

FILE = {"file": ("a.wav", b"\0\xff\r\nsound")}


def read(body: bytes, content_type: str = FORM) -> Read:
    found = read_form(body, content_type)
    assert isinstance(found, Read), found
    return found


def test_texts_and_files_are_reported_apart_by_their_file_names() -> None:
    found = read(form(FILE, model="m", prompt="Grüße"))

    (file,) = found.files
    assert {"model": ["m"], "prompt": ["Grüße"]} == found.texts
    assert ("file", "a.wav", b"\0\xff\r\nsound") == (file.name, file.filename, found.form.body[file.start : file.end])
    assert b'"Gr\xc3\xbc\xc3\x9fe"' == bytes(found.fields()["prompt"])
    assert len("mGrüße".encode()) == found.text_bytes


def test_a_list_may_be_given_several_times_and_an_empty_field_once() -> None:
    twice = b'--form\r\nContent-Disposition: form-data; name="include[]"\r\n\r\nlogprobs\r\n' * 2

    found = read(twice + form(FILE, model="m", prompt=""))

    assert (["logprobs", "logprobs"], [""]) == (found.texts["include[]"], found.texts["prompt"])
    assert found.text("language") is None


def test_the_model_is_replaced_and_nothing_else() -> None:
    body = form(FILE, prompt="model", model="provider/m")

    pieces = read(body).form.with_model("m-1")

    assert body.replace(b"provider/m", b"m-1") == b"".join(pieces)


@pytest.mark.parametrize("content_type", [
    "", "application/json", "multipart/form-data", "multipart/form-data; boundary=", 'multipart/form-data; boundary="',
    "multipart/form-data; boundary=" + "x" * 71, "multipart/mixed; boundary=form", "multipart/form-data; boundary=form; x=y",
])  # fmt: skip
def test_another_content_type_is_refused(content_type: str) -> None:
    assert isinstance(read_form(form(FILE, model="m"), content_type), BadRequest)


@pytest.mark.parametrize("content_type", ['Multipart/Form-Data;boundary="form"', "multipart/form-data;  boundary=form"])
def test_a_boundary_may_be_quoted(content_type: str) -> None:
    assert "m" == read(form(FILE, model="m"), content_type).text("model")


@pytest.mark.parametrize("body", [
    b"",
    b"--form--\r\n",
    b"preamble\r\n" + form(FILE, model="m"),
    form(FILE, model="m").replace(b"\r\n", b"\n"),
    form(FILE, model="m").replace(b"--form--", b"--form"),
    form(FILE, model="m") + b"--form\r\n",
    form(FILE, model="m", prompt="\n--form\r\nContent-Disposition: form-data; name=\"n\"\r\n\r\n9"),
    form(FILE, model="m").replace(b'name="model"', b"name=model"),
    form(FILE, model="m").replace(b'name="model"', b'name="mo\\del"'),
    form(FILE, model="m").replace(b"form-data", b"attachment"),
    form(FILE, model="m").replace(b"Content-Disposition", b"X-Disposition"),
    form(FILE, model="m").replace(b"Content-Type", b"Content-Disposition"),
    form(FILE, model="m").replace(b"Content-Type: application/octet-stream", b"Content-Transfer-Encoding: base64"),
    form({}, model="m", prompt="\x00").replace(b"\x00", b"\xff"),
    form(FILE, model=" "),
    form(FILE, model="m" * 1025),
    form(FILE),
    b"".join(b'--form\r\nContent-Disposition: form-data; name="a[]"\r\n\r\nx\r\n' for _ in range(300)) + form(FILE, model="m"),
])  # fmt: skip
def test_what_two_readers_might_read_differently_is_refused(body: bytes) -> None:
    assert isinstance(read_form(body, FORM), BadRequest)


TEXTS = st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=8)


@given(st.dictionaries(st.sampled_from(["prompt", "n", "size", "a b", "ü"]), TEXTS, max_size=4), st.binary(max_size=50))
def test_a_form_is_read_as_the_standard_library_reads_it(fields: dict[str, str], content: bytes) -> None:
    body = form({"image": ("a.png", content)}, model="m", **fields)
    found = read_form(body, FORM)
    if b"--form" in content:
        return

    assert isinstance(found, Read)
    parsed: Any = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + FORM.encode() + b"\r\n\r\n" + body)
    names = [part.get_param("name", header="content-disposition") for part in parsed.iter_parts()]
    assert sorted(names, key=str) == sorted([*found.texts, "image"], key=str)
    (file,) = found.files
    assert content == found.form.body[file.start : file.end]


@given(st.binary(max_size=120), st.integers(0, 200), st.integers(0, 300))
def test_whatever_comes_a_form_or_a_refusal_comes_out(noise: bytes, at: int, end: int) -> None:
    whole = form(FILE, model="m", prompt="x")

    found = read_form((whole[:at] + noise + whole[at:])[:end], FORM)

    assert isinstance(found, (Read, BadRequest))
