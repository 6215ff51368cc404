"""The templates of a refusal as text, in the words of an entrypoint."""

import string
from typing import Any

import msgspec

from domain.refusals import Refusal
from entrypoints.refusals.record import Record

SHOWN_CHARACTERS_MAX = 200


class Words(string.Formatter):
    """How an entrypoint writes what a template names: `{x:name}` as a name, `{x:field}` as a field, `{x:short}` cut.

    What callers made up is not repeated at any length. A value of None is written as nothing.
    """

    def name(self, text: str) -> str:
        """Something that has a name: a model, a user."""
        return f"`{text}`"

    def field(self, text: str) -> str:
        """A field of the request."""
        return f"`{text}`"

    def format_field(self, value: Any, format_spec: str) -> str:
        """A value as the template asks for it."""
        text = "" if value is None else str(value)
        match format_spec:
            case "name":
                return self.name(_short(text))
            case "field":
                return self.field(_short(text))
            case "short":
                return _short(text)
            case _:
                return text


class Sentences:
    """One refusal by its record."""

    def __init__(self, refusal: Refusal, record: Record, words: Words) -> None:
        self._record = record
        self._words = words
        self._values = {**msgspec.structs.asdict(refusal), **record.values(refusal)}

    def whole(self) -> str:
        """What is wrong, and what to do about it."""
        return f"{self._format(self._record.template)} {self._format(self._record.advice)}".strip()

    def clause(self) -> str:
        """What is wrong, to go on from: without a capital letter and a full stop."""
        template = self._record.template
        return self._format(template[0].lower() + template[1:].removesuffix("."))

    def param(self) -> str | None:
        """The field at fault."""
        return self._format(self._record.param) or None

    def _format(self, template: str) -> str:
        return self._words.vformat(template, (), self._values)


def _short(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS_MAX else f"{text[:SHOWN_CHARACTERS_MAX]}…"
