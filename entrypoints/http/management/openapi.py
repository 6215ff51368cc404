"""The OpenAPI 3.1 document of the management API.

https://spec.openapis.org/oas/v3.1.0
"""

from collections.abc import Sequence
from types import UnionType
from typing import Any, Union, get_args, get_origin

import msgspec

from entrypoints.actions.action import Action
from entrypoints.actions.paths import Place
from entrypoints.http.management.conditions import KEY_CHARACTERS_MAX, reads_of
from entrypoints.usecases import public_types

_SCHEMAS = "#/components/schemas/{name}"
# A request may write an amount in more forms than a reply, so the parts of requests have schemas of their own.
_REQUEST = "Given{name}"
_REQUEST_SCHEMAS = _SCHEMAS.replace("{name}", _REQUEST)
_ERRORS = {
    "400": "The request is wrong; `param` names the field.",
    "401": "There is no valid API key.",
    "403": "The role of the key's user does not permit this.",
    "404": "The thing that the request names does not exist.",
    "409": "There is such a thing already.",
    "413": "The body is too large.",
    "415": "The body is encoded in another way than JSON.",
    "503": "The books cannot be reached now; nothing was changed.",
}
_ETAG = "Names the state that is shown, but for what calls change. A whole list has one, a part of it has none."
_HEADERS = {
    "If-Match": {
        "name": "If-Match",
        "in": "header",
        "required": False,
        "schema": {"type": "string"},
        "description": "The ETag of what is changed, as `x-read-before` shows it; 412 if it was changed since.",
    },
    "Idempotency-Key": {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "schema": {"type": "string", "maxLength": KEY_CHARACTERS_MAX},
        "description": "The same key and request within a day make the change once and get the same answer.",
    },
}
_CONDITION_ERROR = {"412": "If-Match names another state: this was changed since you read it."}
# Of actions that ask a provider: its own status, where that means anything to the caller.
_PROVIDER_ERROR = {"default": "The provider refused the request, or could not be reached."}


class ErrorDetail(msgspec.Struct, kw_only=True):
    """What is wrong, and what to do about it."""

    message: str
    type: str
    code: str | None = None
    param: str | None = None


class ErrorReply(msgspec.Struct, kw_only=True):
    """An error, in OpenAI's shape."""

    error: ErrorDetail


def document(served: Sequence[Place]) -> dict[str, Any]:
    """The document of these places."""
    replies = [ErrorReply, *(part for place in served for part in _parts(place.action.reply))]
    schemas, components = msgspec.json.schema_components(
        replies, schema_hook=public_types.described, ref_template=_SCHEMAS
    )
    by_type = dict(zip(replies, schemas, strict=True))
    _, requests = msgspec.json.schema_components(
        [place.action.request for place in served],
        schema_hook=public_types.described_request,
        ref_template=_REQUEST_SCHEMAS,
    )
    in_operations = {place.action.request.__name__ for place in served}  # Their fields stand in the operations.
    parts = {_REQUEST.format(name=name): schema for name, schema in requests.items() if name not in in_operations}
    reads = reads_of(served)
    etags = {read.action.name for read in reads.values()}
    paths: dict[str, dict[str, Any]] = {}
    for place in served:
        operation = _operation(place, requests, by_type)
        _add_conditions(operation, place, reads.get(place.action.name))
        if place.action.name in etags:
            operation["responses"]["200"]["headers"] = {"ETag": {"$ref": "#/components/headers/ETag"}}
        paths.setdefault(_path(place), {})[place.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "aihub management API",
            "version": "1",
            "description": "Everything that the command line does, for owners and admins. Amounts are exact decimals.",
        },
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "schemas": components | parts,
            "parameters": _HEADERS,
            "headers": {"ETag": {"description": _ETAG, "schema": {"type": "string"}}},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "An API key of the hub."}},
            "responses": {
                status: {
                    "description": text,
                    "content": {"application/json": {"schema": by_type[ErrorReply]}},
                }
                for status, text in (_ERRORS | _CONDITION_ERROR | _PROVIDER_ERROR).items()
            },
        },
    }


def _add_conditions(operation: dict[str, Any], place: Place, read: Place | None) -> None:
    """What every change takes: an Idempotency-Key, and an If-Match where `read` shows what it changes."""
    if place.action.is_change:
        operation["parameters"] += [{"$ref": "#/components/parameters/Idempotency-Key"}]
    if read is not None:
        operation["parameters"] += [{"$ref": "#/components/parameters/If-Match"}]
        operation["responses"]["412"] = {"$ref": "#/components/responses/412"}
        operation["x-read-before"] = f"{read.method} {_path(read)}"


def _path(place: Place) -> str:
    return place.template.replace(":path}", "}")


def _operation(place: Place, requests: dict[str, Any], by_type: dict[Any, dict[str, Any]]) -> dict[str, Any]:
    action = place.action
    request = requests.get(action.request.__name__, {})
    fields: dict[str, Any] = request.get("properties", {})
    required = set(request.get("required", ()))
    in_query = [name for name in fields if name != place.named and not place.has_body]
    parameters = [_parameter(name, "path", fields[name], True) for name in (place.named,) if name]
    parameters += [_parameter(name, "query", fields[name], name in required) for name in in_query]
    errors = _ERRORS | _PROVIDER_ERROR if action.needs_providers else _ERRORS
    operation: dict[str, Any] = {
        "operationId": action.name.replace(" ", "_").replace("-", "_"),
        "summary": f"{action.meaning[0].upper()}{action.meaning[1:]}",
        "tags": [action.name.partition(" ")[0]],
        "parameters": parameters,
        "responses": {
            "201" if place.is_creation else "200": {
                "description": "Done.",
                "content": _reply_content(action, by_type),
            },
            **{status: {"$ref": f"#/components/responses/{status}"} for status in errors},
        },
    }
    if action.details:
        operation["description"] = action.details
    body = {name: schema for name, schema in fields.items() if name != place.named}
    if place.has_body and body:
        needed = sorted(required & set(body))
        schema = {"type": "object", "properties": body, "required": needed, "additionalProperties": False}
        operation["requestBody"] = {"required": bool(needed), "content": {"application/json": {"schema": schema}}}
    return operation


def _reply_content(action: Action[Any, Any], by_type: dict[Any, dict[str, Any]]) -> dict[str, Any]:
    if action.is_streamed:
        return {
            "text/csv": {"schema": {"type": "string"}},
            "application/x-ndjson": {"schema": {"type": "string", "description": "a JSON object for each line"}},
        }
    return {"application/json": {"schema": _reply_schema(action.reply, by_type)}}


def _parameter(name: str, where: str, schema: dict[str, Any], is_required: bool) -> dict[str, Any]:
    described = {"description": schema["description"]} if "description" in schema else {}
    return {"name": name, "in": where, "required": is_required, "schema": schema, **described}


def _reply_schema(reply: Any, by_type: dict[Any, dict[str, Any]]) -> dict[str, Any]:
    """A list is in `data`, so that a page can have more fields than its rows."""
    schemas = [
        {"type": "object", "properties": {"data": by_type[part]}, "required": ["data"]}
        if get_origin(part) is list
        else by_type[part]
        for part in _parts(reply)
    ]
    return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}


def _parts(reply: Any) -> tuple[Any, ...]:
    """The types of a union, which msgspec describes one by one; any other type is its only part."""
    return get_args(reply) if get_origin(reply) in (Union, UnionType) else (reply,)
