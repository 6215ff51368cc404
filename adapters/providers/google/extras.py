"""Encode the fields that only the caller's dialect has in Gemini's form.

House rule: `extras` sends exactly the fields that `unsupported_extra` accepts. Fields have the names of the caller's
dialect; Google's own fields are under `extra_body.google`, as in Google's endpoint for OpenAI's clients:
https://ai.google.dev/gemini-api/docs/openai#extra-body
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from adapters.providers.decode_errors import DECODE_ERRORS
from domain.dialects.unsupported_params import Lack, is_default

_TIERS = {"auto": None, "default": None, "standard_only": None, "flex": "flex", "priority": "priority"}
_PENALTIES = {"frequency_penalty": "frequencyPenalty", "presence_penalty": "presencePenalty"}
_MODALITIES = {"text": "TEXT", "image": "IMAGE", "audio": "AUDIO"}
# Google's own tools, by the type that a caller uses: https://ai.google.dev/gemini-api/docs/tools
_TOOLS = {
    "google_search": "googleSearch",
    "url_context": "urlContext",
    "code_execution": "codeExecution",
    "google_maps": "googleMaps",
    "file_search": "fileSearch",
    "web_search": "googleSearch",
}
# OpenAI's own tools have other fields than Google's, so they correspond only without any fields.
_PLAIN = frozenset(("web_search",))
_TOOLS_BY_TYPE = {
    "safety_settings": "safetySettings",
    "cached_content": "cachedContent",
    "labels": "labels",
    "model_armor_config": "modelArmorConfig",
}
_TOOL_PREFIX, _EXTRA_BODY = "tools[", "extra_body"

_Json = dict[str, Any]
_ANY = msgspec.json.Decoder()


class _ExtraBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    google: dict[str, msgspec.Raw] = {}


def unsupported_extra(name: str, value: msgspec.Raw) -> Iterator[Lack]:
    """Yield the field, or the part of it, that Gemini does not have."""
    if name == _EXTRA_BODY:
        yield from _unsupported_own(value)
    elif not _is_supported(name, value):
        yield Lack(name)


def extras(extra: Mapping[str, msgspec.Raw], body: _Json, tools: list[_Json]) -> None:
    """Add the fields to the body, its generationConfig and the tools."""
    config: _Json = {}
    for name, value in extra.items():
        if name == _EXTRA_BODY:
            _add_own(value, body)
        elif is_default(name, value) or not _is_supported(name, value):
            continue
        elif name in _PENALTIES:
            config[_PENALTIES[name]] = value
        elif name == "logprobs" and bytes(value) == b"true":
            config["responseLogprobs"] = True
        elif name == "top_logprobs":
            config["logprobs"] = value
        elif name == "modalities":
            config["responseModalities"] = [_MODALITIES[modality] for modality in _ANY.decode(value)]
        elif name == "service_tier" and (tier := _TIERS[_ANY.decode(value)]) is not None:
            body["serviceTier"] = tier
        elif name == "web_search_options":
            tools.append({"googleSearch": {}})
        elif name.startswith(_TOOL_PREFIX):
            tools.append({_tool(name): {key: part for key, part in _fields(value).items() if key != "type"}})
    if config:
        body["generationConfig"] = body.get("generationConfig", {}) | config


def _is_supported(name: str, value: msgspec.Raw) -> bool:
    if name in _PENALTIES or name == "top_logprobs":
        return True
    if name == "logprobs":
        return bytes(value) == b"true"
    if name == "service_tier":
        return _plain(value) in (*_TIERS,)
    if name == "modalities":
        modalities = _plain(value)
        return (
            isinstance(modalities, list)
            and bool(modalities)
            and all(modality in _MODALITIES for modality in modalities)
        )
    if name == "web_search_options":
        return bool(_plain(value) in ({}, {"search_context_size": "medium"}))
    if name.startswith(_TOOL_PREFIX):
        return _tool(name) != "" and (name.partition("].")[2] not in _PLAIN or _fields(value).keys() == {"type"})
    return False


def _tool(name: str) -> str:
    """Return the tool of a name such as `tools[0].google_search`, or None."""
    return _TOOLS.get(name.partition("].")[2], "")


def _unsupported_own(value: msgspec.Raw) -> Iterator[Lack]:
    if not _is(value, _ExtraBody):
        yield Lack(_EXTRA_BODY)
        return
    for name in msgspec.json.decode(value, type=_ExtraBody).google:
        if name not in _TOOLS_BY_TYPE and name != "thinking_config":
            yield Lack(f"{_EXTRA_BODY}.google.{name}")


def _add_own(value: msgspec.Raw, body: _Json) -> None:
    """Add Google's own fields unchanged; Google accepts names in either case."""
    if not _is(value, _ExtraBody):
        return
    for name, field in msgspec.json.decode(value, type=_ExtraBody).google.items():
        if name == "thinking_config":
            body.setdefault("generationConfig", {})["thinkingConfig"] = field
        elif name in _TOOLS_BY_TYPE:
            body[_TOOLS_BY_TYPE[name]] = field


def _fields(value: msgspec.Raw) -> dict[str, msgspec.Raw]:
    return msgspec.json.decode(value, type=dict[str, msgspec.Raw])


def _plain(value: msgspec.Raw) -> Any:
    return _ANY.decode(value)


def _is(value: msgspec.Raw, kind: type[msgspec.Struct]) -> bool:
    try:
        msgspec.json.decode(value, type=kind)
    except DECODE_ERRORS:
        return False
    return True
