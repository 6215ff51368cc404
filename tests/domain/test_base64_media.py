"""Media types and base64 data as vendors accept them."""

import pytest

from domain.dialects.base64_media import base64_data, media_type_of

PNG, JPEG, GIF = "iVBORw0KGgoAAAANSUhEUg" + "A" * 60, "/9j/4AAQSkZJRg" + "A" * 60, "R0lGODlhAQABAAAAACw" + "A" * 60


@pytest.mark.parametrize(("declared", "data", "kind"), [
    ("image/jpg",                PNG,       "image/jpeg"),       # a spelling that no vendor knows
    ("image/jpeg",               PNG[:20],  "image/jpeg"),       # too little to be an image
    ("image/x-png",              "AAAA",    "image/png"),
    ("IMAGE/PNG; name=a.png",    "AAAA",    "image/png"),
    ("image/jpeg",               PNG,       "image/png"),        # an image is what its first bytes show,
    ("image/png",                JPEG,      "image/jpeg"),
    ("image/webp",               GIF,       "image/gif"),
    ("",                         JPEG,      "image/jpeg"),       # even if nothing is declared
    ("",                         "AAAA",    ""),
    ("application/pdf",          PNG,       "application/pdf"),  # anything else is what it is called
    ("audio/mp3",                "AAAA",    "audio/mpeg"),
])  # fmt: skip
def test_the_type_of_data(declared: str, data: str, kind: str) -> None:
    assert kind == media_type_of(declared, data)


@pytest.mark.parametrize("spelled", ["iVBO\nRw0K\r\nGgo=", " iVBO Rw0KGgo=", "iVBORw0KGgo%3D", "iVBORw0KGgo="])
def test_data_has_neither_blanks_nor_escapes(spelled: str) -> None:
    assert base64_data(spelled) == "iVBORw0KGgo="
