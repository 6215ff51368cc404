"""The request struct of an action, from the path, the query and the JSON body of a request.

Every field is read by itself, so an error names the field. A field that the action does not have is refused: a
misspelled limit must not become no limit.
"""

from collections.abc import Collection, Mapping
from decimal import Decimal
from functools import partial
from typing import Annotated, Any, get_origin
from urllib.parse import parse_qsl

import msgspec

from domain.refusals import BadRequest
from entrypoints.actions.action import Action
from entrypoints.actions.paths import Place
from entrypoints.http.decode_errors import written_path, wrong_form
from entrypoints.http.wire import Request
from entrypoints.usecases import public_types

_BODY = msgspec.json.Decoder(float_hook=Decimal)
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])


def request_of(place: Place, request: Request, now_ms: int) -> msgspec.Struct | BadRequest:
    """The action's request, or what is wrong with it. Moments such as `7d` are counted back from `now_ms`."""
    given = _given(place, request)
    if isinstance(given, BadRequest):
        return given
    return request_from(
        place.action, given, now_ms, json_fields=set(given) - {place.named} if place.has_body else set()
    )


def request_from(
    action: Action[Any, Any], given: Mapping[str, Any], now_ms: int, json_fields: Collection[str | None] = ()
) -> msgspec.Struct | BadRequest:
    """The action's request from its fields, or what is wrong with them: texts, and JSON values in `json_fields`."""
    fields = {field.encode_name: field for field in msgspec.structs.fields(action.request)}
    if unknown := [name for name in given if name not in fields]:
        known = ", ".join(fields) or "none"
        return BadRequest(field=unknown[0], problem=f"This request has no such field. Its fields: {known}.")
    values: dict[str, Any] = {}
    for name, field in fields.items():
        if name not in given:
            if field.required:
                return BadRequest(field=name, problem="The field is missing.")
            continue
        value = _value(given[name], field.type, now_ms, is_json=name in json_fields)
        if isinstance(value, BadRequest):
            return msgspec.structs.replace(value, field=name)
        values[field.name] = value
    made: msgspec.Struct = action.request(**values)
    return made


def _given(place: Place, request: Request) -> dict[str, Any] | BadRequest:
    """The fields as they came: JSON values, or texts where they are in the path or the query."""
    path = {name: value for name, value in request.path_values.items() if name == place.named}
    if not place.has_body:
        texts = _texts(place, request.query)
        return texts if isinstance(texts, BadRequest) else texts | path
    body = _body(place, request.body) if request.body else {}
    if isinstance(body, BadRequest):
        return body
    if (named := place.named) is not None and str(body.get(named, path[named])) != path[named]:
        return BadRequest(field=named, problem=f"The path says {path[named]!r}: leave the field out of the body.")
    return body | path


def _body(place: Place, content: bytes) -> dict[str, Any] | BadRequest:
    """The fields of a JSON body; those that are documents of their own stay as they came."""
    kinds = msgspec.inspect.type_info(place.action.request)
    assert isinstance(kinds, msgspec.inspect.StructType)
    documents = {field.encode_name for field in kinds.fields if _is_document(field.type)}
    try:
        raws = _OBJECT.decode(content)
        return {name: raw if name in documents else _BODY.decode(raw) for name, raw in raws.items()}
    except msgspec.ValidationError:
        return BadRequest(field=None, problem="The body must be a JSON object.")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return BadRequest(field=None, problem="The body is not JSON.")


def _is_document(kind: msgspec.inspect.Type) -> bool:
    inner = kind.type if isinstance(kind, msgspec.inspect.Metadata) else kind
    return isinstance(inner, msgspec.inspect.RawType)


def _texts(place: Place, query: str) -> dict[str, Any] | BadRequest:
    """The fields of a query. A field that is a list takes every value of its name; any other must be there once."""
    texts: dict[str, Any] = {}
    kinds: Mapping[str, Any] = {f.encode_name: f.type for f in msgspec.structs.fields(place.action.request)}
    for name, text in parse_qsl(query, keep_blank_values=True):
        if _is_list(kinds.get(name)):
            texts.setdefault(name, []).append(text)
        elif name in texts:
            return BadRequest(field=name, problem="The query has this field twice: send one value.")
        else:
            texts[name] = text
    return texts


def _is_list(kind: Any) -> bool:
    described = kind.__origin__ if get_origin(kind) is Annotated else kind
    return get_origin(described) in (list, tuple)


def _value(given: Any, kind: Any, now_ms: int, *, is_json: bool) -> Any:
    """The value of a field; a BadRequest without its name if it has the wrong form."""
    if isinstance(given, msgspec.Raw):
        return given
    try:
        return msgspec.convert(given, kind, strict=is_json, dec_hook=partial(public_types.read, now_ms))
    except msgspec.ValidationError as error:
        found = wrong_form(given if is_json else _spelled(given), kind, error)
        path = written_path(found.steps)
        return BadRequest(field=None, problem=f"{path.lstrip('.')}: {found.problem}." if path else f"{found.problem}.")


def _spelled(text: Any) -> Any:
    """The value that a text of a query spells: a number, true, false or null, or else the text itself."""
    try:
        return _BODY.decode(text)
    except (msgspec.DecodeError, TypeError):
        return text
