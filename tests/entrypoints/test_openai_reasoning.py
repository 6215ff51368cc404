"""How hard to think, in the words of who speaks OpenAI's dialect, for providers that do not."""

from typing import Any

import pytest

from domain.model_api.requests import Document, Thinking
from domain.refusals import BadRequest
from tests.entrypoints.openai_requests import answered, parts, request

HIGH = Thinking(effort="high")
PDF = "data:application/pdf;base64,JVBERi0="


@pytest.mark.parametrize(("fields", "thinking"), [
    ({},                                                                        None),
    ({"reasoning_effort": "high"},                                              HIGH),
    ({"reasoning_effort": "none"},                                              Thinking(enabled=False)),
    ({"reasoning": {"effort": "high", "enabled": True}},                        HIGH),
    ({"reasoning": {"max_tokens": 900}},                                        Thinking(tokens_max=900)),
    ({"reasoning": {"enabled": True}},                                          Thinking()),
    ({"reasoning": {"enabled": False}},                                         Thinking(enabled=False)),
    ({"reasoning": {}},                                                         None),
    ({"thinking": {"type": "enabled"}},                                         Thinking()),
    ({"thinking": {"type": "enabled", "budget_tokens": 900}},                   Thinking(tokens_max=900)),
    ({"thinking": {"type": "enabled", "token_budget": 900}},                    Thinking(tokens_max=900)),
    ({"thinking": {"type": "disabled", "clear_thinking": False}},               Thinking(enabled=False)),
    ({"thinking": {"clear_thinking": False}},                                   None),
    ({"thinking": {"type": "enabled"}, "reasoning_effort": "high"},             HIGH),
])  # fmt: skip
def test_reasoning_is_requested_alike_in_every_dialect(fields: dict[str, Any], thinking: Thinking | None) -> None:
    requested = request(**fields)

    assert (thinking, {}) == (requested.thinking, requested.extra)


@pytest.mark.parametrize(("fields", "kept"), [
    ({"reasoning": {"effort": "low", "exclude": True}},   ["reasoning.exclude"]),
    ({"thinking": {"type": "enabled", "x": 1}},           ["thinking.x"]),
    ({"reasoning": "deep"},                               ["reasoning"]),
    ({"thinking": True},                                  ["thinking"]),
])  # fmt: skip
def test_what_has_no_canonical_form_is_kept_by_its_path(fields: dict[str, Any], kept: list[str]) -> None:
    assert kept == list(request(**fields).extra)


def test_an_object_of_another_shape_is_named() -> None:
    wrong = answered(reasoning={"max_tokens": "many"})

    assert isinstance(wrong, BadRequest)
    assert wrong.field == "reasoning.max_tokens"


@pytest.mark.parametrize(("said", "document"), [
    ({"document_url": "https://x.test/a.pdf", "document_name": "a"}, Document(url="https://x.test/a.pdf", name="a")),
    ({"document_url": PDF},                                          Document(media_type="application/pdf", data="JVBERi0=")),
])  # fmt: skip
def test_a_document_in_mistrals_form_is_one(said: dict[str, Any], document: Document) -> None:
    assert (document,) == parts({"type": "document_url", **said})
