"""Where a value of a file differs from the type that it is read as: the path, with the keys that the file has."""

from functools import partial
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

from entrypoints.http.decode_errors import written_path, wrong_form
from entrypoints.usecases.public_types import read


def mistake_in(value: Any, kind: Any, now_ms: int, path: str) -> tuple[str, str] | None:
    """The path of the first mistake, and what is wrong there; None if there is none."""
    try:
        msgspec.convert(value, kind, dec_hook=partial(read, now_ms))
    except msgspec.ValidationError as error:
        return _inside(value, kind, now_ms, path) or _here(value, kind, path, error)
    return None


def _inside(value: Any, kind: Any, now_ms: int, path: str) -> tuple[str, str] | None:
    """The first mistake in a part of the value."""
    plain = _plain(kind)
    parts: list[tuple[Any, Any, str]] = []
    if isinstance(value, dict) and get_origin(plain) is dict:
        parts = [(each, get_args(plain)[1], _below(path, name)) for name, each in value.items()]
    elif isinstance(value, dict) and isinstance(plain, type) and issubclass(plain, msgspec.Struct):
        fields = {field.encode_name: field for field in msgspec.structs.fields(plain)}
        if (unknown := next((name for name in value if name not in fields), None)) is not None:
            return _below(path, unknown), f"there is no such field here; the fields are {', '.join(fields)}"
        if (
            missing := next((name for name, f in fields.items() if f.required and name not in value), None)
        ) is not None:
            return _below(path, missing), "the field is missing"
        parts = [(each, fields[name].type, _below(path, name)) for name, each in value.items()]
    elif isinstance(value, list) and get_origin(plain) is list:
        parts = [(each, get_args(plain)[0], f"{path}[{n}]") for n, each in enumerate(value)]
    return next((found for each, inner, at in parts if (found := mistake_in(each, inner, now_ms, at))), None)


def _here(value: Any, kind: Any, path: str, error: msgspec.ValidationError) -> tuple[str, str]:
    if get_origin(plain := _plain(kind)) is Literal:
        return path, f"write one of {', '.join(map(str, get_args(plain)))}"
    found = wrong_form(value, kind, error)
    problem = found.problem[:1].lower() + found.problem[1:]
    return path + written_path(found.steps), problem


def _plain(kind: Any) -> Any:
    """The type without annotations, and without the part that stands for a field that is left out."""
    if get_origin(kind) is Annotated:
        return _plain(get_args(kind)[0])
    if get_origin(kind) in (Union, UnionType):
        some = [part for part in get_args(kind) if part not in (msgspec.UnsetType, type(None))]
        return _plain(some[0]) if len(some) == 1 else kind
    return kind


def _below(path: str, name: Any) -> str:
    return f"{path}.{name}" if path else str(name)
