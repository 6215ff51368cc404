"""Log probabilities of an answer's tokens in OpenAI's form, because only callers of OpenAI's dialect can request them.

https://ai.google.dev/api/generate-content#LogprobsResult,
https://developers.openai.com/api/reference/resources/chat/subresources/completions/methods/create
"""

from typing import Any

import msgspec

from adapters.providers.lenient_json import Lenient
from domain.model_api.events import ProviderBlock


class _Candidate(msgspec.Struct, frozen=True, rename="camel"):
    """A chosen token or an alternative. Its log probability is kept as the number that Google sent."""

    token: str = ""
    log_probability: msgspec.Raw = msgspec.Raw(b"0")


class _Top(msgspec.Struct, frozen=True):
    candidates: list[_Candidate] | None = None


class _Result(msgspec.Struct, frozen=True, rename="camel"):
    chosen_candidates: list[_Candidate] | None = None
    top_candidates: list[_Top] | None = None


_RESULT = Lenient(_Result)


def logprobs(raw: msgspec.Raw, choice: int) -> ProviderBlock:
    """Return the `logprobs` of a choice: each token with its alternatives."""
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


def _token(candidate: _Candidate) -> dict[str, Any]:
    return {"token": candidate.token, "logprob": candidate.log_probability, "bytes": list(candidate.token.encode())}
