"""Encode a canonical conversation as Gemini's contents.

House rule: `refuse` has named every part that cannot be expressed, so this module assumes that all can. Reasoning that
another vendor signed is left out: Gemini rejects its signature, and without one it is useless.

- System messages become one instruction outside the conversation, because Gemini has no such role inside it.
- Adjacent turns of one role are one content. Tool results are in a content of their own, right after the calls that
  they answer, as many as there were calls.
- Calls may have ids, but are matched by name: a result names its function.

https://ai.google.dev/api/caching#Content, https://ai.google.dev/gemini-api/docs/function-calling
"""

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from adapters.providers.decode_errors import DECODE_ERRORS
from adapters.providers.google.failure import NAME
from adapters.providers.google.media import blob, document, elsewhere, image
from adapters.providers.tool_arguments import arguments_object
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

# base64 of "skip_thought_signature_validator", which Google requires for a call that it did not make itself.
# https://ai.google.dev/gemini-api/docs/thought-signatures
UNSIGNED = "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="
_SIGNING_SINCE = 3  # the generation that rejects a call without a signature, and accepts images inside results
# Google converts the numbers of a result to binary floats; one this long would lose digits.
_LONG_NUMBER = re.compile(rb"\d{16}")

_Json = dict[str, Any]


def instruction(messages: tuple[Message, ...]) -> list[_Json]:
    """Return the parts of the system messages."""
    system = (message for message in messages if message.role in ("system", "developer"))
    return [{"text": part.text} for message in system for part in message.parts if isinstance(part, Text) and part.text]


def contents(messages: tuple[Message, ...], generation: int) -> list[_Json]:
    """Return the conversation for a model of that generation."""
    names = call_names(messages)
    encoded: list[_Json] = []
    for role, parts in _turns(messages):
        if role == "model":
            encoded.append({"role": role, "parts": _model_parts(parts, generation) or _silence(parts)})
            continue
        results, others = _results([part for part in parts if isinstance(part, ToolResult)], names, generation)
        others += [each for part in parts if not isinstance(part, ToolResult) for each in _encoded(part)]
        if not results and not others:
            others = _silence(parts)
        encoded += [{"role": role, "parts": some} for some in (results, others) if some]
    return [content for content in encoded if content["parts"]]


def _silence(parts: list[Part]) -> list[_Json | msgspec.Raw]:
    """Return an empty text for a turn with an empty text; nothing if all parts of the turn are left out."""
    return [{"text": ""}] if any(isinstance(part, Text) for part in parts) else []


def call_names(messages: Iterable[Message]) -> dict[str, str]:
    """Return the function of every call by the call's id."""
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
    """Return the model's parts. The first call of a turn has a signature, its own or the placeholder."""
    parts_out: list[_Json | msgspec.Raw] = []
    first = True
    for part in parts:
        if isinstance(part, ToolCall):
            call: _Json = {"functionCall": {"id": part.id, "name": part.name, "args": arguments_object(part.arguments)}}
            signature = googles(part.signature)
            if signature is None and first and generation >= _SIGNING_SINCE:
                signature = UNSIGNED
            first = False
            parts_out.append(_signed(call, signature))
        else:
            parts_out += _encoded(part)
    return parts_out


def _encoded(part: Part) -> list[_Json | msgspec.Raw]:
    """Return a part in Gemini's form, or nothing if it is empty."""
    match part:
        case Text():
            signature = googles(part.signature)
            return [_signed({"text": part.text}, signature)] if part.text or signature else []
        case Reasoning():
            return _reasoning(part)
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
            raise AssertionError(f"{type(part).__name__} is encoded elsewhere")


def _reasoning(part: Reasoning) -> list[_Json | msgspec.Raw]:
    """Return reasoning; unsigned reasoning is usually Google's own, whose signatures are on other parts."""
    signature = googles(part.signature)
    if signature is None and (part.signature is not None or not part.text):
        return []
    return [_signed({"thought": True, "text": part.text} if part.text else {"text": ""}, signature)]


def _results(
    results: list[ToolResult], names: dict[str, str], generation: int
) -> tuple[list[_Json], list[_Json | msgspec.Raw]]:
    """Return the tool results, and the images next to them for models that accept none inside a result."""
    encoded: list[_Json] = []
    media: list[_Json | msgspec.Raw] = []
    for result in results:
        response: _Json = {"id": result.call_id, "name": names[result.call_id], "response": _response(result)}
        files = [_encoded(part)[0] for part in result.parts if not _is_text(part)]
        if files and generation >= _SIGNING_SINCE:
            response["parts"], files = files, []
        media += files
        encoded.append({"functionResponse": response})
    return encoded, media


def _response(result: ToolResult) -> _Json | msgspec.Raw:
    """Return the tool's output as the object that Gemini requires.

    An object is sent as it is, anything else under the key that Google documents, "output" or "error".
    https://ai.google.dev/api/caching#FunctionResponse
    """
    texts = [part.text or "" for part in result.parts if isinstance(part, Text | Document) and part.text is not None]
    output: Any = texts[0] if len(texts) == 1 else texts or ""
    if result.is_error:
        return {"error": output}
    if not texts and result.parts:
        return {}
    if isinstance(output, str) and (spelled := _json(output)) is not None:
        return spelled if output.lstrip().startswith("{") else {"output": spelled}
    return {"output": output}


def _json(text: str) -> msgspec.Raw | None:
    """Return the JSON in a text that contains an object or a list."""
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
