"""The fields of a Gemini candidate besides its content: the finish reason, the sources, the usage.

https://ai.google.dev/api/generate-content#candidate
"""

from contextlib import suppress
from typing import Any

import msgspec

from domain.dialects.stop_reasons import GOOGLE_WRITTEN
from domain.model_api.citations import Source
from domain.model_api.events import Finished
from domain.usage import Usage
from entrypoints.http.decode_errors import JSON_ERRORS
from entrypoints.http.dialects.google.parts import Choice

Json = dict[str, Any]
_ABOUT = frozenset(("groundingMetadata", "citationMetadata", "urlContextMetadata"))


class _Token(msgspec.Struct):
    token: str = ""
    logprob: msgspec.Raw = msgspec.Raw(b"0")
    top_logprobs: list["_Token"] | None = None


class _Likely(msgspec.Struct):
    content: list[_Token] | None = None


_LIKELY = msgspec.json.Decoder(_Likely)


def candidate(index: int, parts: list[Any], choice: Choice, finished: Finished | None) -> Json:
    """A candidate with its end. It has a finish reason only if the provider reported one."""
    rendered: Json = {"content": {"parts": parts, "role": "model"}}
    if finished is not None:
        rendered["finishReason"] = GOOGLE_WRITTEN[finished.reason]
    rendered["index"] = index
    if choice.sources:
        rendered["groundingMetadata"] = _grounding(choice.output, choice.sources)
    if choice.likely:
        rendered["logprobsResult"] = _likelihoods(choice.likely)
    return rendered | {name: block for name, block in choice.about if name in _ABOUT}


def usage_json(usage: Usage) -> Json:
    """The units as Google counts them: cached and written tokens are in the prompt, thoughts outside the candidates."""
    cached = usage.cache_read_tokens + usage.cache_read_audio_tokens
    written = usage.cache_write_tokens + usage.cache_write_1h_tokens
    prompt = usage.input_tokens + usage.input_audio_tokens + usage.input_image_tokens + cached + written
    answer = usage.output_tokens + usage.output_audio_tokens + usage.output_image_tokens
    rendered: Json = {
        "promptTokenCount": prompt,
        "candidatesTokenCount": answer,
        "totalTokenCount": prompt + answer + usage.reasoning_tokens,
    }
    if cached:
        rendered["cachedContentTokenCount"] = cached
    if usage.reasoning_tokens:
        rendered["thoughtsTokenCount"] = usage.reasoning_tokens
    return rendered


def _grounding(text: str, sources: tuple[Source, ...]) -> Json:
    """Each page once, and the passages of the text that it supports, counted in bytes as Google does.

    https://ai.google.dev/api/generate-content#GroundingMetadata
    """
    pages: dict[str, Json] = {}
    supports = []
    for source in sources:
        pages.setdefault(source.url, {"web": {"uri": source.url, "title": source.title or source.url}})
        if source.start is None or source.end is None:
            continue
        stretch = text[source.start : source.end]
        start = len(text[: source.start].encode())
        segment = {"startIndex": start, "endIndex": start + len(stretch.encode()), "text": stretch}
        supports.append({"segment": segment, "groundingChunkIndices": [list(pages).index(source.url)]})
    return {"groundingChunks": list(pages.values()), "groundingSupports": supports}


def _likelihoods(blocks: tuple[msgspec.Raw, ...]) -> Json:
    """OpenAI's `logprobs` in Google's fields."""
    tokens: list[_Token] = []
    for block in blocks:
        with suppress(*JSON_ERRORS):  # Unreadable logprobs are left out; the answer is complete without them.
            tokens += _LIKELY.decode(block).content or ()
    return {
        "chosenCandidates": [_logprobs(token) for token in tokens],
        "topCandidates": [{"candidates": [_logprobs(other) for other in token.top_logprobs or ()]} for token in tokens],
    }


def _logprobs(token: _Token) -> Json:
    return {"token": token.token, "logProbability": token.logprob}
