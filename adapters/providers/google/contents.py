"""A canonical conversation as Gemini's contents.

House rule: every part is said where it belongs; `refuse` has named what cannot be, so this module assumes that all can.
Left out are thoughts that another vendor signed: its signature is an error, and they are no use without.

- System messages are one instruction beside the conversation, wherever they stood: there is no such role inside it.
- Turns of one role after another are one content, but the results of tools stand in one of their own, right after the
  calls that they answer, as many as there were calls.
- Calls may have ids, but are matched by name: a result says which function it is of.

https://ai.google.dev/api/caching#Content, https://ai.google.dev/gemini-api/docs/function-calling
"""

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from adapters.providers.arguments import arguments_object
from adapters.providers.decode_errors import DECODE_ERRORS
from adapters.providers.google.failure import NAME
from adapters.providers.google.media import blob, document, elsewhere, image
from domain.dialects.signatures import googles
from domain.model_api.requests import (
    Audio,
    Document,
    Image,
    Message,
    Part,
    ProviderPart,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
)

# base64 of "skip_thought_signature_validator": what Google asks for where a call of the conversation is not its own.
# https://ai.google.dev/gemini-api/docs/thought-signatures
UNSIGNED = "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="
_SIGNING_SINCE = 3  # the generation that rejects a call without a signature, and takes images inside results
# The numbers of a result become binary fractions at Google; one this long would lose digits.
_LONG_NUMBER = re.compile(rb"\d{16}")

_Json = dict[str, Any]


def instruction(messages: tuple[Message, ...]) -> list[_Json]:
    """The parts of the system's messages."""
    spoken = (message for message in messages if message.role in ("system", "developer"))
    return [{"text": part.text} for message in spoken for part in message.parts if isinstance(part, Text) and part.text]


def contents(messages: tuple[Message, ...], generation: int) -> list[_Json]:
    """The conversation, for a model of that generation."""
    names = call_names(messages)
    told: list[_Json] = []
    for role, parts in _turns(messages):
        if role == "model":
            told.append({"role": role, "parts": _model_parts(parts, generation) or _silence(parts)})
            continue
        results, others = _results([part for part in parts if isinstance(part, ToolResult)], names, generation)
        others += [said for part in parts if not isinstance(part, ToolResult) for said in _said(part)]
        if not results and not others:
            others = _silence(parts)
        told += [{"role": role, "parts": some} for some in (results, others) if some]
    return [content for content in told if content["parts"]]


def _silence(parts: list[Part]) -> list[_Json | msgspec.Raw]:
    """An empty text where somebody said just that; nothing where all that was said is left out."""
    return [{"text": ""}] if any(isinstance(part, Text) for part in parts) else []


def call_names(messages: Iterable[Message]) -> dict[str, str]:
    """The function of every call by the call's id."""
    return {part.id: part.name for message in messages for part in message.parts if isinstance(part, ToolCall)}


def _turns(messages: tuple[Message, ...]) -> list[tuple[str, list[Part]]]:
    turns: list[tuple[str, list[Part]]] = []
    for message in messages:
        if message.role in ("system", "developer"):
            continue
        role = "model" if message.role == "assistant" else "user"
        if turns and turns[-1][0] == role:
            turns[-1][1].extend(message.parts)
        else:
            turns.append((role, list(message.parts)))
    return turns


def _model_parts(parts: list[Part], generation: int) -> list[_Json | msgspec.Raw]:
    """What the model said. The first call of a turn carries the signature, its own or the one that stands for none."""
    said: list[_Json | msgspec.Raw] = []
    first = True
    for part in parts:
        if isinstance(part, ToolCall):
            call: _Json = {"functionCall": {"id": part.id, "name": part.name, "args": arguments_object(part.arguments)}}
            signature = googles(part.signature)
            if signature is None and first and generation >= _SIGNING_SINCE:
                signature = UNSIGNED
            first = False
            said.append(_signed(call, signature))
        else:
            said += _said(part)
    return said


def _said(part: Part) -> list[_Json | msgspec.Raw]:
    """A part as one of Gemini's, or none where it says nothing."""
    match part:
        case Text():
            signature = googles(part.signature)
            return [_signed({"text": part.text}, signature)] if part.text or signature else []
        case Reasoning():
            return _thought(part)
        case Image():
            return [image(part)]
        case Audio():
            return [blob(f"audio/{part.format}", part.data)]
        case Document():
            return [document(part)]
        case ProviderPart(dialect="openai"):
            return [elsewhere(part.name, part.block)]
        case ProviderPart():
            return [part.block] if part.dialect == NAME else []
        case _:
            raise AssertionError(f"{type(part).__name__} is said elsewhere")


def _thought(part: Reasoning) -> list[_Json | msgspec.Raw]:
    """Thinking that nobody signed is Google's own as a rule, for its signatures stand elsewhere."""
    signature = googles(part.signature)
    if signature is None and (part.signature is not None or not part.text):
        return []
    return [_signed({"thought": True, "text": part.text} if part.text else {"text": ""}, signature)]


def _results(
    results: list[ToolResult], names: dict[str, str], generation: int
) -> tuple[list[_Json], list[_Json | msgspec.Raw]]:
    """The results of tools, and what of them must stand beside: images, for models that take none inside."""
    told: list[_Json] = []
    beside: list[_Json | msgspec.Raw] = []
    for result in results:
        response: _Json = {"id": result.call_id, "name": names[result.call_id], "response": _response(result)}
        files = [_said(part)[0] for part in result.parts if not _is_text(part)]
        if files and generation >= _SIGNING_SINCE:
            response["parts"], files = files, []
        beside += files
        told.append({"functionResponse": response})
    return told, beside


def _response(result: ToolResult) -> _Json | msgspec.Raw:
    """What the tool said, as the object that Gemini wants.

    An object is given as it is, anything else under the key that Google names for it, "output", or "error".
    https://ai.google.dev/api/caching#FunctionResponse
    """
    texts = [part.text or "" for part in result.parts if isinstance(part, Text | Document) and part.text is not None]
    said: Any = texts[0] if len(texts) == 1 else texts or ""
    if result.is_error:
        return {"error": said}
    if not texts and result.parts:
        return {}
    if isinstance(said, str) and (spelled := _json(said)) is not None:
        return spelled if said.lstrip().startswith("{") else {"output": spelled}
    return {"output": said}


def _json(text: str) -> msgspec.Raw | None:
    """A text that spells an object or a list, as JSON."""
    if text.lstrip()[:1] not in ("{", "[") or _LONG_NUMBER.search(text.encode()):
        return None
    try:
        msgspec.json.decode(text)
    except DECODE_ERRORS:
        return None
    return msgspec.Raw(text.encode())


def _is_text(part: Part) -> bool:
    return isinstance(part, Text | Document) and part.text is not None


def _signed(part: _Json, signature: str | None) -> _Json:
    return part if signature is None else {**part, "thoughtSignature": signature}
