"""A vendor is a record: known by its name or its URL, and short."""

import ast
from pathlib import Path

import pytest

from domain import compatible
from domain.vendors import UNKNOWN, VENDORS, vendor_of

LINES_MAX = 15


@pytest.mark.parametrize(
    ("provider", "base_url", "vendor"),
    [
        ("groq",   "https://api.groq.com/openai/v1",                       "groq"),
        ("groq",   "https://groq-proxy.example.com/v1",                    "groq"),
        ("spare",  "https://api.groq.com/openai/v1",                       "groq"),
        ("spare",  "https://acme.openai.azure.com/openai/v1",              "azure"),
        ("spare",  "https://acme.services.ai.azure.com/openai/v1",         "azure"),
        ("spare",  "https://eu.api.openai.com/v1",                         "openai"),
        ("spare",  "https://xy1.snowflakecomputing.com/api/v2/cortex/v1",  "snowflake"),
        ("local",  "http://127.0.0.1:11434/v1",                            "ollama"),
        ("local",  "http://127.0.0.1:8000/v1",                             ""),
        ("spare",  "https://llm.acme.test/v1",                             ""),
        ("spare",  "https://api.groq.com.acme.test/v1",                    ""),
        ("spare",  "",                                                     ""),
    ],
)  # fmt: skip
def test_a_vendor_is_known_by_the_providers_name_or_by_its_url(provider: str, base_url: str, vendor: str) -> None:
    assert vendor == vendor_of(provider, base_url).name


def test_a_server_that_nobody_knows_is_spoken_to_as_its_callers_speak() -> None:
    assert ((), (), False, True, "") == (
        UNKNOWN.renames,
        UNKNOWN.lacks,
        UNKNOWN.tells_usage,
        UNKNOWN.developer,
        UNKNOWN.thought_in,
    )


def test_every_vendor_has_an_entry_of_its_own_name() -> None:
    assert all(name == vendor.name for name, vendor in VENDORS.items())
    assert len({vendor.env for vendor in VENDORS.values() if vendor.env}) == len(
        [vendor for vendor in VENDORS.values() if vendor.env]
    )


def test_adding_a_compatible_vendor_takes_less_than_fifteen_lines() -> None:
    source = ast.parse(Path(compatible.__file__).read_text("utf-8"))
    entries = [node for node in ast.walk(source) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]

    too_long = [entry.lineno for entry in entries if (entry.end_lineno or 0) - entry.lineno + 1 >= LINES_MAX]

    assert len(entries) == len(compatible.COMPATIBLE)
    assert [] == too_long
