"""How likely the tokens of an answer were, in OpenAI's words, since only its callers can ask.

https://ai.google.dev/api/generate-content#LogprobsResult,
https://developers.openai.com/api/reference/resources/chat/subresources/completions/methods/create
"""

from typing import Any

import msgspec

from adapters.providers.lenient_json import Lenient
from domain.model_api.events import ProviderBlock


class _Candidate(msgspec.Struct, frozen=True, rename="camel"):
    """A token that was chosen, or could have been. Its likelihood stays the number that was written."""

    token: str = ""
    log_probability: msgspec.Raw = msgspec.Raw(b"0")


class _Top(msgspec.Struct, frozen=True):
    candidates: list[_Candidate] | None = None


class _Result(msgspec.Struct, frozen=True, rename="camel"):
    chosen_candidates: list[_Candidate] | None = None
    top_candidates: list[_Top] | None = None


_RESULT = Lenient(_Result)


def logprobs(raw: msgspec.Raw, choice: int) -> ProviderBlock:
    """The `logprobs` of a choice: each token with those that were likely in its place."""
    result = _RESULT.part(raw) or _Result()
    chosen, top = result.chosen_candidates or [], result.top_candidates or []
    others = [position.candidates or [] for position in top[: len(chosen)]]
    others += [[]] * (len(chosen) - len(others))
    content = [
        {**_token(token), "top_logprobs": [_token(other) for other in likely]}
        for token, likely in zip(chosen, others, strict=True)
    ]
    block = msgspec.Raw(msgspec.json.encode({"content": content}))
    return ProviderBlock(dialect="openai", name="logprobs", block=block, choice=choice, generated=False)


def _token(told: _Candidate) -> dict[str, Any]:
    return {"token": told.token, "logprob": told.log_probability, "bytes": list(told.token.encode())}
