"""Markup from a template and a read model: the templates' environment, and how values are written in HTML."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from entrypoints.http.dashboard.static_files import address_of
from entrypoints.usecases import public_types
from entrypoints.usecases.public_types import Credits, CreditsEach, Dollars, Duration, Moment, Percent

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"
_AMOUNTS = (Credits, CreditsEach, Dollars, Percent)


def render(template: str, values: Mapping[str, Any]) -> bytes:
    """The markup of a template; every value in it is escaped."""
    return _environment().get_template(template).render(values).encode()


@cache
def _environment() -> "Environment":
    # Imported here: no call and no command needs it.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals |= {"asset": address_of}
    environment.filters |= {
        "kind": kind_of,
        "text": text_of,
        "words": words_of,
        "minute": minute_of,
        "day": day_of,
        "fields": fields_of,
        "grouped": grouped,
        "ms": ms_of,
    }
    return environment


def kind_of(value: object) -> str:
    """How a value is laid out: as an amount, a moment, a yes or no, a list, a table of structs, a struct, or a text."""
    if value is None or value == "" or value == [] or value == ():
        return "nothing"
    if isinstance(value, bool):
        return "switch"
    if isinstance(value, Moment):
        return "moment"
    if isinstance(value, (*_AMOUNTS, int)):
        return "number"
    if isinstance(value, (msgspec.Struct, dict)):
        return "struct"
    if isinstance(value, (list, tuple)):
        return "structs" if isinstance(value[0], msgspec.Struct) else "list"
    return "text"


def text_of(value: object) -> str:
    """A value as text: amounts are exact decimals, never rounded."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (*_AMOUNTS, Moment, Duration)):
        return public_types.written(value)
    return str(value)


def grouped(value: int) -> str:
    """A whole number with thin spaces between its thousands."""
    return f"{value:,}".replace(",", "\u202f")


def ms_of(value: int | None) -> str:
    """A time in milliseconds; a dash where it is unknown."""
    return "–" if value is None else f"{grouped(value)} ms"  # noqa: RUF001  # a dash for what is unknown


def words_of(name: str) -> str:
    """A field's name as people read it: `base_url` → "Base URL"."""
    words = name.replace("_", " ").replace("-", " ")
    for short in ("id", "url", "ms", "usd"):
        words = " ".join(word.upper() if word == short and short != "ms" else word for word in words.split(" "))
    return words[:1].upper() + words[1:]


def minute_of(value: int) -> str:
    """A moment to the second, in UTC, as people read it."""
    return f"{datetime.fromtimestamp(value // 1000, UTC):%Y-%m-%d %H:%M:%S}"


def day_of(value: int) -> str:
    """The day of a moment, in UTC."""
    return f"{datetime.fromtimestamp(value // 1000, UTC):%Y-%m-%d}"


def fields_of(value: Any) -> dict[str, Any]:
    """A struct's fields by their public names."""
    if isinstance(value, dict):
        return value
    return {field.encode_name: getattr(value, field.name) for field in msgspec.structs.fields(value)}
