"""Values as AIGNE Hub reads and writes them: bodies, decimals of credits for one unit, types, and pages."""

from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Any

import msgspec

from domain.catalog.catalog import Served
from domain.refusals import BadRequest
from entrypoints.http.aigne_management.access import wrong
from entrypoints.http.wire import Request
from entrypoints.usecases.public_types import Moment, written

_BODY = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)

# Nanocredits for a million units, for one credit for one unit.
_PER_UNIT = 10**15

CHAT, IMAGE, EMBEDDING, VIDEO = "chatCompletion", "imageGeneration", "embedding", "video"
# AIGNE names each type twice: in rates and calls, and in its catalogue; both are understood.
_TYPES = {"chat": CHAT, "image": IMAGE, "image_generation": IMAGE}
CATALOGUE_TYPES = {CHAT: "chat", IMAGE: "image_generation", EMBEDDING: "embedding", VIDEO: "video"}
OPERATION_TYPES = {
    "chat": CHAT,
    "completions": CHAT,
    "images": IMAGE,
    "embeddings": EMBEDDING,
    "video": VIDEO,
    "speech": "audioGeneration",
    "transcription": "audioGeneration",
}
PAGE_SIZE_MAX = 100


def body_of(request: Request) -> dict[str, Any] | BadRequest:
    """The JSON object of the body; an empty body is an empty object."""
    if not request.body.strip():
        return {}
    try:
        return _BODY.decode(request.body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return BadRequest(field=None, problem="The body must be a JSON object.")


def type_of(text: str) -> str:
    """A type in either spelling as rates have it; an unknown one stays as it is, and matches nothing."""
    return _TYPES.get(text, text)


def nanos_of(field: str, value: Any) -> int | BadRequest:
    """Credits for one unit, a number or a text, as nanocredits for a million; rounded to 15 decimals."""
    try:
        if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
            raise InvalidOperation
        amount = Decimal(value)
        if not amount.is_finite() or not 0 <= amount <= 10**6:
            raise InvalidOperation
    except InvalidOperation:
        return wrong(field, "Write a decimal number from 0 to 1000000.")
    return int((amount * _PER_UNIT).to_integral_value(ROUND_HALF_EVEN))


def text_of(body: Mapping[str, Any], field: str, most: int) -> str | BadRequest | None:
    """An optional text of the body, none that is longer than `most`."""
    value = body.get(field)
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > most or not value.isprintable():
        return wrong(field, f"Write a text of at most {most} printable characters.")
    return value


def unknown_field(body: Mapping[str, Any], known: Iterable[str]) -> BadRequest | None:
    """The refusal of the first field that the request does not have."""
    return next((wrong(name, "This request has no such field.") for name in body if name not in known), None)


def iso(ms: int) -> str:
    """A moment as AIGNE writes it."""
    return written(Moment(ms))


def kinds_of(served: Served) -> tuple[str, ...]:
    """The types that a model is sold for; the first is the main one."""
    assert served.rate is not None, "only what has a rate is listed"
    prices = served.rate.prices
    if "embed" in served.model:
        return (EMBEDDING,)
    is_image = bool(prices.image_nanos or prices.output_image_nanos) or any(
        variant.prices.image_nanos for variant in served.rate.variants
    )
    is_video = bool(prices.video_second_nanos) or any(
        variant.prices.video_second_nanos for variant in served.rate.variants
    )
    made = (*((IMAGE,) if is_image else ()), *((VIDEO,) if is_video else ()))
    return (CHAT, *made) if prices.output_nanos or not made else made


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """The page of a list that is requested for."""

    page: int
    size: int

    @property
    def part(self) -> slice:
        """Where it is in the whole list."""
        return slice((self.page - 1) * self.size, self.page * self.size)


def page_of(request: Request, size: int) -> Page | BadRequest:
    """The `page` and `pageSize` of the query; a size beyond the bound is the bound."""
    numbers = {}
    for name, default, most in (("page", 1, 10**6), ("pageSize", size, PAGE_SIZE_MAX)):
        text = request.query_value(name)
        if text is not None and not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) >= 1):
            return wrong(name, "Write a whole number from 1 on.")
        numbers[name] = min(int(text), most) if text is not None else default
    return Page(page=numbers["page"], size=numbers["pageSize"])
