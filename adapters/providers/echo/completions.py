"""The echo's completions: a prompt is continued with itself, word by word; one word is one token.

`max_tokens` (16) cuts the answer, all `n` choices are the same, and `echo` puts the prompt before them.
"""

import re
from collections.abc import Iterator
from typing import Annotated, Any

import msgspec

from adapters.providers.echo.shared import EchoAnswer, as_events, as_json, event, word_count

_WORDS = re.compile(r"\s*\S+")
_TOKENS_DEFAULT = 16


class _Options(msgspec.Struct, frozen=True):
    include_usage: bool = False


class _Request(msgspec.Struct, frozen=True):
    model: str
    prompt: str | Annotated[list[str | int | list[int]], msgspec.Meta(min_length=1)] = ""
    max_tokens: Annotated[int, msgspec.Meta(ge=0)] | None = None
    n: Annotated[int, msgspec.Meta(ge=1, le=128)] | None = None
    echo: bool | None = None
    stream: bool | None = None
    stream_options: _Options | None = None


_REQUEST = msgspec.json.Decoder(_Request)


def completions(body: bytes, content_type: str) -> EchoAnswer:
    """Return the prompts, each `n` times, event by event if the request has `stream`."""
    request = _REQUEST.decode(body)
    texts = [text for text in _prompts(request) for _ in range(request.n or 1)]
    answers = [_answer(request, text) for text in texts]
    head = {"id": "cmpl-echo", "object": "text_completion", "created": 0, "model": request.model}
    usage = _usage(request, answers)
    if request.stream:
        return as_events(_streamed(request, head, answers, usage))
    choices = [_choice(index, text, finish) for index, (text, finish) in enumerate(answers)]
    return as_json({**head, "choices": choices, "usage": usage})


def _prompts(request: _Request) -> list[str]:
    prompts: list[Any] = request.prompt if isinstance(request.prompt, list) else [request.prompt]
    if isinstance(prompts[0], int):
        prompts = [prompts]
    return [text if isinstance(text, str) else " ".join(map(str, text)) for text in prompts]


def _answer(request: _Request, text: str) -> tuple[str, str]:
    words = _WORDS.findall(text)
    cap = _TOKENS_DEFAULT if request.max_tokens is None else request.max_tokens
    answer = "".join(words[:cap])
    return (text + answer if request.echo else answer), "length" if len(words) > cap else "stop"


def _usage(request: _Request, answers: list[tuple[str, str]]) -> dict[str, int]:
    prompt = sum(map(word_count, _prompts(request)))
    completion = sum(word_count(text) for text, _ in answers)
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def _choice(index: int, text: str, finish: str | None) -> dict[str, Any]:
    return {"text": text, "index": index, "logprobs": None, "finish_reason": finish}


def _streamed(
    request: _Request, head: dict[str, Any], answers: list[tuple[str, str]], usage: dict[str, int]
) -> Iterator[bytes]:
    for index, (text, finish) in enumerate(answers):
        for word in _WORDS.findall(text):
            yield event({**head, "choices": [_choice(index, word, None)]})
        yield event({**head, "choices": [_choice(index, "", finish)]})
    if request.stream_options is not None and request.stream_options.include_usage:
        yield event({**head, "choices": [], "usage": usage})
    yield b"data: [DONE]\n\n"
