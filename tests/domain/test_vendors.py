"""A vendor is a record: known by its name or its URL, and short."""

import ast
from pathlib import Path

import pytest

from domain.catalog import openai_compatible as compatible
from domain.catalog.vendors import UNKNOWN, VENDORS, dialect_for, vendor_of
from tests.domain.build import a_chat_call

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


def test_a_server_that_nobody_knows_is_stated_to_as_its_callers_speak() -> None:
    assert ((), (), False, True, "") == (
        UNKNOWN.renames,
        UNKNOWN.lacks,
        UNKNOWN.reports_usage,
        UNKNOWN.developer,
        UNKNOWN.reasoning_in,
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


@pytest.mark.parametrize(
    ("provider", "dialect", "stated_by_caller", "model", "expected"),
    [
        ("openai",      "openai",     "openai",            "gpt-5",               "openai"),
        ("openai",      "openai",     "openai-responses",  "gpt-5",               "openai-responses"),
        ("openai",      "openai",     "openai",            "gpt-5-pro",           "openai-responses"),
        ("openai",      "openai",     "anthropic",         "gpt-5.2-codex",       "openai-responses"),
        ("openai",      "openai",     "anthropic",         "o3-deep-research",    "openai-responses"),
        ("openai",      "openai",     "anthropic",         "o3",                  "openai"),
        ("azure",       "openai",     "openai-responses",  "gpt-5",               "openai-responses"),
        ("deepseek",    "openai",     "openai-responses",  "deepseek-chat",       "openai-responses"),
        ("openrouter",  "openai",     "openai-responses",  "openai/gpt-5-pro",    "openai-responses"),
        ("groq",        "openai",     "openai-responses",  "llama",               "openai"),
        ("anthropic",   "anthropic",  "openai-responses",  "claude",              "anthropic"),
        ("mine",        "openai-responses", "openai",      "m",                   "openai-responses"),
    ],
)  # fmt: skip
def test_a_call_is_stated_in_the_callers_dialect_where_the_model_has_it(
    provider: str, dialect: str, stated_by_caller: str, model: str, expected: str
) -> None:
    call = a_chat_call(dialect=stated_by_caller)

    assert expected == dialect_for(provider, "https://x.test", dialect, call, model)
