"""A form for an action, made from its request struct: so an action that is added to the table has one at once."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal
from urllib.parse import parse_qsl

import msgspec
from msgspec import inspect

from entrypoints.actions.action import Action
from entrypoints.usecases.public_types import Credits, CreditsChange, CreditsEach, Dollars, Duration, Moment, Percent

Kind = Literal["text", "secret", "number", "decimal", "select", "switch", "lines", "json"]

_SECRETS = frozenset(("secret", "key", "password"))
_PLACEHOLDERS: Mapping[type, str] = {
    Credits: "5 or 0.25",
    CreditsChange: "5, or -0.25 to take it",
    CreditsEach: "0.04",
    Dollars: "1 or 0.25",
    Percent: "20",
    Duration: "30d, 12h or 45m",
    Moment: "2026-11-01, or 7d for ago",
}
_DECIMALS = (Credits, CreditsEach, Dollars, Percent)
# What the fields of these names may be, as the page suggests it.
SUGGESTED = frozenset(("user", "provider", "model", "models", "targets"))


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One field of a form. `before` is the value that it had when the form was made, `error` what is wrong with it."""

    name: str
    kind: Kind
    hint: str
    required: bool
    placeholder: str = ""
    options: tuple[str, ...] = ()
    default: str = ""
    value: str = ""
    before: str = ""
    error: str = ""
    fixed: bool = False
    suggestions: tuple[str, ...] = ()


def fields_of_form(
    action: Action[Any, Any],
    given: Mapping[str, str],
    before: Mapping[str, str],
    fixed: str | None,
    suggestions: Mapping[str, Sequence[str]],
) -> list[Field]:
    """The fields of an action's form.

    `given` are the values to show, `before` those that the thing has, `fixed` the field that names it.
    """
    described = inspect.type_info(action.request)
    assert isinstance(described, inspect.StructType)
    fields = []
    for one in described.fields:
        kind, options, placeholder, hint = _form_of(one.type, one.encode_name)
        default = "" if one.default in (msgspec.NODEFAULT, None, ()) else _text(one.default)
        name = one.encode_name
        fields.append(
            Field(
                name=name,
                kind=kind,
                hint=hint,
                required=one.required,
                placeholder=placeholder,
                options=options,
                default=default,
                value=given.get(name, before.get(name, default if kind in ("select", "switch") else "")),
                before=before.get(name, ""),
                fixed=name == fixed and bool(given.get(name)),
                suggestions=tuple(suggestions.get(name, ())),
            )
        )
    return fields


def with_error(fields: Sequence[Field], name: str | None, problem: str) -> list[Field]:
    """The same fields, one of which has an error."""
    return [msgspec.structs.replace(one, error=problem) if one.name == name else one for one in fields]


def read_form(body: bytes) -> dict[str, str]:
    """The fields of a form as the browser sent them; the last of each name counts. ValueError if it is none."""
    pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=1000)
    return {name: text.replace("\r\n", "\n") for name, text in pairs}


def given_fields(fields: Sequence[Field], sent: Mapping[str, str]) -> tuple[dict[str, Any], set[str]] | tuple[str, str]:
    """The values for the action's request, and the names of those that are JSON; or a field and what is wrong with it.

    An empty field is left out, unless it had a value: then it is sent empty, which removes the value.
    """
    values: dict[str, Any] = {}
    documents: set[str] = set()
    for field in fields:
        text = sent.get(field.name, "").strip() if field.kind != "secret" else sent.get(field.name, "")
        if field.kind == "switch":
            values[field.name] = "true" if text else "false"
        elif field.kind == "json" and text:
            try:
                values[field.name] = msgspec.Raw(text.encode()) if field.placeholder == "raw" else _json(text)
            except msgspec.DecodeError as error:
                return field.name, f"This is not JSON: {error}."
            documents.add(field.name)
        elif field.kind == "lines" and text:
            values[field.name] = [line.strip() for line in text.split("\n") if line.strip()]
        elif text or sent.get(f"before-{field.name}"):
            values[field.name] = text
    return values, documents


def _json(text: str) -> Any:
    from decimal import Decimal

    return msgspec.json.Decoder(float_hook=Decimal).decode(text)


def _form_of(kind: inspect.Type, name: str, hint: str = "") -> tuple[Kind, tuple[str, ...], str, str]:
    """The kind of input for a type, its options, its placeholder and its description."""
    match kind:
        case inspect.Metadata(type=inner, extra_json_schema=schema):
            return _form_of(inner, name, (schema or {}).get("description", hint))
        case inspect.UnionType(types=parts):
            some = [part for part in parts if not isinstance(part, inspect.NoneType)]
            return _form_of(some[0], name, hint) if len(some) == 1 else ("json", (), "", hint)
        case inspect.LiteralType(values=values):
            return "select", tuple(str(value) for value in values if value is not None), "", hint
        case inspect.BoolType():
            return "switch", (), "", hint
        case inspect.IntType():
            return "number", (), "", hint
        case inspect.CustomType(cls=cls):
            return "decimal" if cls in _DECIMALS else "text", (), _PLACEHOLDERS.get(cls, ""), hint
        case inspect.VarTupleType(item_type=item) | inspect.ListType(item_type=item):
            inner_kind, *_ = _form_of(item, name)
            return "lines" if inner_kind in ("text", "number", "select") else "json", (), "one a line", hint
        case inspect.StrType():
            return "secret" if name in _SECRETS else "text", (), "", hint
        case inspect.RawType():
            return "json", (), "raw", hint
    return "json", (), "", hint


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else ""
    return str(value)
