"""The command line of an action: its arguments from its request's fields, its request from what was parsed.

A field's type decides how its text is read; its description and its default make the help.
"""

import argparse
from collections.abc import Mapping
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from entrypoints.actions.action import Action, Argument
from entrypoints.cli import arguments
from entrypoints.usecases.public_types import Credits, CreditsChange, CreditsEach, Dollars, Duration, Moment, Percent

_PUBLIC = frozenset((Credits, CreditsChange, CreditsEach, Dollars, Duration, Moment, Percent))


class _Field(msgspec.Struct, frozen=True, kw_only=True):
    """A field of a request: its type without annotations, its default and its description."""

    kind: Any
    default: Any
    description: str
    least: int | None = None
    most: int | None = None


def add_arguments(command: argparse.ArgumentParser, action: Action[Any, Any]) -> None:
    """Add the action's arguments, in the table's order. An omitted argument keeps the request's default."""
    fields = _fields(action.request)
    for argument in action.arguments:
        options = _options(argument, fields[argument.field])
        if argument.word.startswith("-"):
            command.add_argument(argument.word, dest=argument.field, **options)
        else:
            command.add_argument(argument.field, metavar=argument.word, **options)


def request_of(
    action: Action[Any, Any], parsed: argparse.Namespace, now_ms: int, more: Mapping[str, Any]
) -> msgspec.Struct:
    """The parsed request; moments such as `7d` are counted back from now. `more` has fields read elsewhere."""
    fields = _fields(action.request)
    given = {a.field: getattr(parsed, a.field) for a in action.arguments if hasattr(parsed, a.field)}
    values = {name: _typed(fields[name].kind, value, now_ms) for name, value in given.items()}
    request: msgspec.Struct = action.request(**values, **more)
    return request


def names_of(action: Action[Any, Any]) -> dict[str, str]:
    """The command line's name for each field of the request."""
    return {argument.field: argument.word for argument in action.arguments}


def _options(argument: Argument, field: _Field) -> dict[str, Any]:
    is_option = argument.word.startswith("-")
    described = argument.help or _described(field)
    options: dict[str, Any] = {"help": described} if described else {}
    if is_option:
        options["default"] = argparse.SUPPRESS
        if field.default is msgspec.NODEFAULT:
            options["required"] = True
    if field.kind is bool:
        return {**options, "action": "store_true"}
    if is_option and argument.value:
        options["metavar"] = argument.value
    item = get_args(field.kind)[0] if get_origin(field.kind) is tuple else None
    if get_origin(field.kind) is Literal:
        options["choices"] = get_args(field.kind)
    elif get_origin(item) is Literal:
        options["type"] = arguments.listed(get_args(item))
    elif item is not None:
        options |= {"nargs": "+", "action": "extend"}
    elif field.kind in _PUBLIC:
        options["type"] = arguments.public(field.kind)
    elif field.kind is int:
        options["type"] = arguments.whole
        if field.most is not None:
            options["type"] = arguments.between(field.least or 0, field.most)
    return options


def _described(field: _Field) -> str:
    shows_default = field.kind is not bool and field.default not in (msgspec.NODEFAULT, None, "", ())
    return f"{field.description} ({field.default})" if shows_default else field.description


def _typed(kind: Any, value: Any, now_ms: int) -> Any:
    if kind in _PUBLIC:
        return value(now_ms)
    return tuple(value) if isinstance(value, list) else value


def _fields(request: type[msgspec.Struct]) -> dict[str, _Field]:
    hints = get_type_hints(request, include_extras=True)
    return {field.name: _field(hints[field.name], field.default) for field in msgspec.structs.fields(request)}


def _field(hint: Any, default: Any) -> _Field:
    meta = msgspec.Meta()
    if get_origin(hint) is Annotated:
        hint, *metas = get_args(hint)
        meta = next((each for each in metas if isinstance(each, msgspec.Meta)), meta)
    if get_origin(hint) in (Union, UnionType):
        hint = next(part for part in get_args(hint) if part is not NoneType)
    least, most = meta.ge, meta.le
    return _Field(
        kind=hint,
        default=default,
        description=meta.description or "",
        least=None if least is None else int(least),
        most=None if most is None else int(most),
    )
