"""Why an answer ended, written for a caller and read from a provider of the same dialect."""

from typing import get_args

import pytest

from domain.dialects.stop_reasons import (
    ANTHROPIC,
    ANTHROPIC_WRITTEN,
    GOOGLE,
    GOOGLE_WRITTEN,
    OPENAI,
    OPENAI_RESPONSES,
    OPENAI_RESPONSES_WRITTEN,
    OPENAI_WRITTEN,
    Read,
    Written,
)
from domain.model_api.events import FinishReason

REASONS: tuple[FinishReason, ...] = get_args(FinishReason)
# By dialect: its tables, and the reasons that it can only express by a coarser one.
DIALECTS: dict[str, tuple[Read, Written, dict[FinishReason, FinishReason]]] = {
    "anthropic": (ANTHROPIC, ANTHROPIC_WRITTEN, {"content_filter": "refusal"}),
    "google": (GOOGLE, GOOGLE_WRITTEN, {"tool_calls": "stop", "refusal": "content_filter", "pause": "stop"}),
    "openai": (OPENAI, OPENAI_WRITTEN, {"refusal": "content_filter", "pause": "stop"}),
    "openai_responses": (
        OPENAI_RESPONSES,
        OPENAI_RESPONSES_WRITTEN,
        {"refusal": "content_filter", "pause": "stop", "tool_calls": "stop"},
    ),
}


def through(read: Read, written: Written, reason: FinishReason) -> FinishReason:
    return read.get(written.get(reason, ""), "stop")


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("reason", REASONS)
def test_a_reason_keeps_its_meaning_through_two_hubs(dialect: str, reason: FinishReason) -> None:
    read, written, coarser = DIALECTS[dialect]

    once = through(read, written, reason)

    assert once == coarser.get(reason, reason)
    assert through(read, written, once) == once
