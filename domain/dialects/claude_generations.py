"""What the generations of Claude accept, at any provider: it depends on the model's name.

https://platform.claude.com/docs/en/about-claude/models/migration-guide
"""

import re
from collections.abc import Collection

from domain.model_api.requests import Thinking

SAMPLING = ("temperature", "top_p", "top_k")

# "claude-opus-4-1-20250805" is of 4.1, "claude-sonnet-4-20250514" and "claude-4-sonnet" are of 4.0.
_GENERATION = re.compile(r"claude-(?:[a-z]+-)?(\d)(?:[-.](\d{1,2})(?!\d))?")
# "`temperature` and `top_p` cannot both be specified for this model" since Opus 4.1.
_ONE_SAMPLING_SINCE = (4, 1)
# "`temperature` is deprecated for this model" since Opus 4.7, as are top_p, top_k, and budgets for thinking.
_NO_SAMPLING_SINCE = (4, 7)
_REASONS_SINCE, _ADAPTS_SINCE = (3, 7), (4, 6)
_BUDGETS = {"low": 1_024, "medium": 4_096, "high": 16_000, "xhigh": 24_000, "max": 32_000}


def sampling_left_out(model: str, fields: Collection[str]) -> tuple[str, ...]:
    """Which of the fields that a request sets (`temperature`, `top_p`, `top_k`) the model rejects, in that order."""
    generation = _generation(model)
    if generation is None or generation < _ONE_SAMPLING_SINCE:
        return ()
    if generation >= _NO_SAMPLING_SINCE:
        return tuple(name for name in SAMPLING if name in fields)
    return ("top_p",) if "temperature" in fields and "top_p" in fields else ()


def thinking_of(model: str, thinking: Thinking) -> Thinking:
    """The reasoning setting in the form that the model knows.

    Older models know only a budget in tokens, so an effort becomes the smallest budget; the newest know no budget.
    https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking
    """
    generation = _generation(model)
    if generation is None or not thinking.enabled:
        return thinking
    if generation >= _NO_SAMPLING_SINCE and thinking.tokens_max is not None:
        return Thinking(effort=thinking.effort, implicit=thinking.implicit)
    by_budget = _REASONS_SINCE <= generation < _ADAPTS_SINCE
    if not by_budget or thinking.implicit or thinking.tokens_max is not None or thinking.effort not in _BUDGETS:
        return thinking
    return Thinking(tokens_max=_BUDGETS[thinking.effort])


def _generation(model: str) -> tuple[int, int] | None:
    found = _GENERATION.search(model)
    return None if found is None else (int(found[1]), int(found[2] or 0))
