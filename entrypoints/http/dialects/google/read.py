"""Reading the fields of a Gemini request that every call needs: those that bound its charge.

House rule: the fields stay as they came, for a provider of the same dialect; the path has the model. Input by
reference, and files with many pages or minutes in a few bytes, are bounded by the model's context only.

https://ai.google.dev/api/generate-content
"""

from collections.abc import Iterator
from typing import Annotated, Any

import msgspec

from domain.model_api.call import Capability, ModelCall
from domain.refusals import BadRequest
from entrypoints.http.decode_errors import wrong_form
from entrypoints.http.dialects.google.json_names import Json, Malformed, fields_of, first_of, take, value_of

NAME = "google"
MODEL_CHARACTERS_MAX = 1024
_CAP = "generationConfig.maxOutputTokens"

# A body without these holds only text; an escape could spell any of the names.
_SUSPECT = (b"inlineData", b"inline_data", b"fileData", b"file_data", b"\\u")
# Tools that the caller runs; every other tool is Google's own.
_CALLERS_TOOLS = frozenset(("functionDeclarations", "computerUse"))
# Media types that cost no more tokens than their bytes, or than an image may.
_BOUNDED_INLINE, _BOUNDED_ELSEWHERE = frozenset(("text", "image", "audio")), frozenset(("image",))
_Cap = Annotated[int, msgspec.Meta(ge=1, le=2**31)]
_Choices = Annotated[int, msgspec.Meta(ge=1, le=128)]


class _Content(msgspec.Struct):
    parts: list[msgspec.Raw] | None = None
    role: str | None = None


class _Config(msgspec.Struct):
    """The numbers that bound the output; they may be texts, as 64-bit numbers are in Google's JSON."""

    max_output_tokens: _Cap | None = None
    candidate_count: _Choices | None = None


_Contents = Annotated[list[_Content], msgspec.Meta(min_length=1)]


def read(body: bytes, model: str, stream: bool) -> ModelCall | BadRequest:
    """A body as a call to that model, or the problem with it."""
    try:
        return _read(body, model, stream)
    except Malformed as malformed:
        return malformed.problem


def _read(body: bytes, model: str, stream: bool) -> ModelCall | BadRequest:
    if not model or len(model) > MODEL_CHARACTERS_MAX:
        problem = f"A model's name has 1 to {MODEL_CHARACTERS_MAX} characters; GET /v1beta/models lists them."
        return BadRequest(field="model", problem=problem)
    fields = fields_of(body)
    if "contents" not in fields:
        problem = 'The field is missing. Send a list such as [{"role": "user", "parts": [{"text": "Hello"}]}].'
        return BadRequest(field="contents", problem=problem)
    contents: list[_Content] = value_of(fields["contents"], _Contents, "contents")
    config = _config(fields)
    images, opaque, needs = _unseen(contents) if any(mark in body for mark in _SUSPECT) else (0, None, ())
    fields.pop("model", None)  # The path has it.
    if "serviceTier" in fields:
        tier = value_of(fields["serviceTier"], str, "serviceTier").lower().removeprefix("service_tier_")
        fields["serviceTier"] = msgspec.Raw(msgspec.json.encode(tier))
    return ModelCall(
        dialect=NAME,
        model=model,
        fields=fields,
        body_bytes=len(body),
        stream=stream,
        output_tokens_max=config.max_output_tokens,
        cap_field=_CAP if config.max_output_tokens is not None else None,
        choices=config.candidate_count or 1,
        images=images,
        opaque_input="cachedContent" if "cachedContent" in fields else opaque,
        hosted_tools=tuple(_hosted_tools(fields)),
        needs=needs,
    )


def _config(fields: Json) -> _Config:
    if "generationConfig" not in fields:
        return _Config()
    path = "generationConfig"
    given = fields_of(fields[path], path)
    return _Config(
        max_output_tokens=_number(take(given, "maxOutputTokens", Any, path), _Cap, f"{path}.maxOutputTokens"),
        candidate_count=_number(take(given, "candidateCount", Any, path), _Choices, f"{path}.candidateCount"),
    )


def _number(given: Any, kind: Any, path: str) -> int | None:
    """A whole number in any spelling, since those of JSON and JavaScript differ: 8192, 8192.0, "8192"."""
    if given is None:
        return None
    try:
        number: int = msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as problem:
        found = wrong_form(given, kind, problem)
        raise Malformed(BadRequest(field=path, problem=f"{found.problem}. Send a whole number.")) from None
    return number


def _hosted_tools(fields: Json) -> Iterator[str]:
    """The tools that Google runs by itself, each a field of an object in `tools`; nothing bounds their use."""
    if "tools" not in fields:
        return
    for number, raw in enumerate(listed(fields["tools"], "tools")):
        for name in fields_of(raw, f"tools[{number}]"):
            if name not in _CALLERS_TOOLS:
                yield name


def listed(raw: msgspec.Raw, path: str) -> list[msgspec.Raw]:
    """A list, or a single value as a list of one."""
    if first_of(raw) == b"{":
        return [raw]
    found: list[msgspec.Raw] = value_of(raw, list[msgspec.Raw], path)
    return found


def _unseen(contents: list[_Content]) -> tuple[int, str | None, tuple[Capability, ...]]:
    """The number of images, the path of the first part that its bytes do not bound, and the required capabilities."""
    images, opaque = 0, None
    needs: set[Capability] = set()
    for number, content in enumerate(contents):
        for place, part in enumerate(content.parts or ()):
            for media_type, inline, name in _files(part, f"contents[{number}].parts[{place}]"):
                kind = media_type.partition("/")[0].lower()
                if kind == "image":
                    images += 1
                elif kind == "audio":
                    needs.add("audio")
                elif kind not in ("text", "video"):
                    needs.add("documents")
                if kind not in (_BOUNDED_INLINE if inline else _BOUNDED_ELSEWHERE):
                    opaque = opaque or name
    return images, opaque, tuple(sorted(needs))


def _files(raw: msgspec.Raw, path: str) -> Iterator[tuple[str, bool, str]]:
    """The files of a part, also those inside a function's response: media type, whether inline, and the path."""
    part = fields_of(raw, path)
    for name in ("inlineData", "fileData"):
        if name in part:
            media_type = take(fields_of(part[name], f"{path}.{name}"), "mimeType", str, f"{path}.{name}")
            yield media_type or "", name == "inlineData", f"{path}.{name}"
    if "functionResponse" in part:
        inner = fields_of(part["functionResponse"], f"{path}.functionResponse").get("parts")
        for place, nested in enumerate(listed(inner, f"{path}.functionResponse.parts") if inner is not None else ()):
            yield from _files(nested, f"{path}.functionResponse.parts[{place}]")
