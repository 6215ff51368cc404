"""What an answer is rendered for, where a test minds little but the events."""

from typing import Any

from domain.model_api.call import ModelCall
from entrypoints.http.dialects.dialect import Rendering


def a_rendering(call_id: str = "call_1", created_s: int = 1, *, model: str = "m", **requested: Any) -> Rendering:
    """The rendering of a call of which a test says what matters: `fields`, `wants_usage`, or nothing at all."""
    call = ModelCall(**{"dialect": "openai", "model": model, "fields": {}, "body_bytes": 2, **requested})
    return Rendering(call_id=call_id, created_s=created_s, call=call)
