"""Fit the input of a Responses request to the server that receives it in the same dialect.

House rule: input that fits stays byte for byte. Items and annotations that the hub made for other vendors' answers are
left out, because no such server knows them: those of type `provider_block`, and reasoning that another vendor signed.
All other changes are made for OpenAI only.
"""

import re
from typing import Any

import msgspec

from adapters.providers.decode_errors import DECODE_ERRORS
from domain.dialects.signatures import PACKED
from domain.dialects.tool_call_ids import OPENAI_RESPONSES_IDS, fitted_id

_Fields = dict[str, msgspec.Raw]


class _Item(msgspec.Struct, frozen=True):
    type: str = "message"
    id: str | None = None
    call_id: str | None = None
    encrypted_content: str | None = None
    content: msgspec.Raw = msgspec.Raw()


class _Typed(msgspec.Struct, frozen=True):
    type: str = ""


_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])
_ITEM = msgspec.json.Decoder(_Item)
_FIELDS = msgspec.json.Decoder(_Fields)
_LIST = msgspec.json.Decoder(list[_Fields])
_TYPED = msgspec.json.Decoder(_Typed)
_encode = msgspec.json.Encoder().encode
# The id of a reasoning item that the hub derives from the call's id.
_HUB_ID = re.compile(r"rs_[0-9a-z]{26}_\d+")
# The hub's names for another vendor's block: conversations begun with an older version have the second.
_HUB_TYPES = ("provider_block", "foreign")
_SUSPECT = (b'"provider_block"', b'"foreign"', b'"call_id"', b'"reasoning"', b"\\u")


def fitted_input(given: msgspec.Raw, known: bool) -> Any:
    """Return the input for a server; `known` if it is OpenAI's own or Azure's."""
    if bytes(given)[:1] != b"[" or not any(mark in bytes(given) for mark in _SUSPECT):
        return given
    try:
        items = _ITEMS.decode(given)
        fitted = [_fitted(raw, known) for raw in items]
    except DECODE_ERRORS:
        return given  # The server reports what is wrong with it.
    if all(new is old for new, old in zip(fitted, items, strict=True)):
        return given
    return [item for item in fitted if item is not None]


def _fitted(raw: msgspec.Raw, known: bool) -> Any:
    item = _ITEM.decode(raw)
    if item.type in _HUB_TYPES or (item.type == "reasoning" and _is_others(item, known)):
        return None
    changed: dict[str, Any] = {}
    if known and item.call_id is not None and (own_id := fitted_id(item.call_id, OPENAI_RESPONSES_IDS)) != item.call_id:
        changed["call_id"] = own_id
    content = bytes(item.content)
    if item.type == "message" and content[:1] == b"[" and any(mark in content for mark in _SUSPECT[:2]):
        changed["content"] = [_cited(part) for part in _LIST.decode(item.content)]
    return _FIELDS.decode(raw) | changed if changed else raw


def _is_others(item: _Item, known: bool) -> bool:
    """Whether it is reasoning of another vendor.

    OpenAI looks up an item without a signature by its id, and finds none.
    """
    if item.encrypted_content:
        return item.encrypted_content.startswith(PACKED)
    return known and item.id is not None and _HUB_ID.fullmatch(item.id) is not None


def _cited(part: _Fields) -> dict[str, Any]:
    """Return a text with only the annotations that the API has, and without other vendors' fields in them."""
    if "annotations" not in part:
        return part
    sources = [source for source in _ITEMS.decode(part["annotations"]) if _TYPED.decode(source).type not in _HUB_TYPES]
    return part | {"annotations": [_plain(source) for source in sources]}


def _plain(source: msgspec.Raw) -> Any:
    fields = _FIELDS.decode(source)
    kept = {name: value for name, value in fields.items() if name not in _HUB_TYPES}
    return source if len(kept) == len(fields) else kept
