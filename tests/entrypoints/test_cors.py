"""Which pages AIHUB_CORS_ORIGINS lets in, decided without a server."""

import pytest

from entrypoints.http.cors import cors_headers, preflight_headers
from entrypoints.setting_types import origins

ALLOWED = "access-control-allow-origin"


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("", ()),
        ("*", ("*",)),
        ("https://a.example, *", ("*",)),
        ("https://A.example/", ("https://a.example",)),
        ("http://localhost:5173 app://notes.md,capacitor://localhost",
         ("http://localhost:5173", "app://notes.md", "capacitor://localhost")),
        ("http://[::1]:8080", ("http://[::1]:8080",)),
        ("null", ("null",)),
    ],
)  # fmt: skip
def test_the_setting_names_origins(text: str, read: tuple[str, ...]) -> None:
    assert read == origins(text)


@pytest.mark.parametrize("text", ["example.com", "https://a.example/path", "https://*.example", "javascript:1"])
def test_what_is_no_origin_is_reported(text: str) -> None:
    with pytest.raises(ValueError, match=r"https://app\.example\.com"):
        origins(text)


def test_all_pages_are_let_in_by_a_star_with_or_without_an_origin() -> None:
    for origin in ("https://a.example", None):
        assert "*" == dict(cors_headers(("*",), origin))[ALLOWED]
        assert "vary" not in dict(cors_headers(("*",), origin)), "the answer is the same for all"


def test_a_listed_page_is_let_in_however_its_host_is_written() -> None:
    assert "https://A.example" == dict(cors_headers(("https://a.example",), "https://A.example"))[ALLOWED]
    for origin in ("https://a.example.evil", "http://a.example", "https://b.example", "", None):
        assert ALLOWED not in dict(cors_headers(("https://a.example",), origin))


def test_only_a_preflight_is_one() -> None:
    requested = {"origin": "https://a.example", "access-control-request-method": "POST"}

    assert preflight_headers(requested) is not None
    assert preflight_headers({"origin": "https://a.example"}) is None
    assert preflight_headers({"access-control-request-method": "POST"}) is None
