"""The input of a Responses request, fitted to the server that it goes to in the same dialect.

House rule: what fits stays byte for byte. What the hub itself told for other vendors' answers no such server knows, so
that is left out: an item or an annotation of type `provider_block`, thinking that another vendor signed. The rest is
known of OpenAI alone.
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
# A reasoning item's id as the hub makes it of its call's.
_OWN_ID = re.compile(r"rs_[0-9a-z]{26}_\d+")
_SUSPECT = (b'"foreign"', b'"call_id"', b'"reasoning"', b"\\u")


def fitted_input(given: msgspec.Raw, known: bool) -> Any:
    """The input for a server; `known` where it is OpenAI's own or Azure's."""
    if bytes(given)[:1] != b"[" or not any(mark in bytes(given) for mark in _SUSPECT):
        return given
    try:
        items = _ITEMS.decode(given)
        told = [_fitted(raw, known) for raw in items]
    except DECODE_ERRORS:
        return given  # The server will say what is wrong with it.
    if all(new is old for new, old in zip(told, items, strict=True)):
        return given
    return [item for item in told if item is not None]


def _fitted(raw: msgspec.Raw, known: bool) -> Any:
    item = _ITEM.decode(raw)
    if item.type == "foreign" or (item.type == "reasoning" and _is_others(item, known)):
        return None
    changed: dict[str, Any] = {}
    if known and item.call_id is not None and (own := fitted_id(item.call_id, OPENAI_RESPONSES_IDS)) != item.call_id:
        changed["call_id"] = own
    if item.type == "message" and b'"foreign"' in bytes(item.content) and bytes(item.content)[:1] == b"[":
        changed["content"] = [_cited(part) for part in _LIST.decode(item.content)]
    return _FIELDS.decode(raw) | changed if changed else raw


def _is_others(item: _Item, known: bool) -> bool:
    """Thinking that the hub told for another vendor. OpenAI looks for an item of its own where it has no proof."""
    if item.encrypted_content:
        return item.encrypted_content.startswith(PACKED)
    return known and item.id is not None and _OWN_ID.fullmatch(item.id) is not None


def _cited(part: _Fields) -> dict[str, Any]:
    """A text with the annotations that the API has, each without what another vendor told beside it."""
    if "annotations" not in part:
        return part
    sources = [source for source in _ITEMS.decode(part["annotations"]) if _TYPED.decode(source).type != "foreign"]
    return part | {"annotations": [_plain(source) for source in sources]}


def _plain(source: msgspec.Raw) -> Any:
    fields = _FIELDS.decode(source)
    return source if fields.pop("foreign", None) is None else fields
