"""What a tool sends to create or to change a key.

https://openrouter.ai/docs/api/api-reference/api-keys/create-keys
"""

from decimal import Decimal
from typing import Literal, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from domain.limits.rows import Period
from domain.pricing.money import AmountError, parse_credits
from domain.refusals import BadRequest
from entrypoints.http.decode_errors import JSON_ERRORS, JsonDecoder, WrongForm, written_path
from entrypoints.usecases.public_types import Credits, Moment, read

Reset = Literal["daily", "weekly", "monthly"]
Body = TypeVar("Body")

# A limit that is never reset is a budget in total.
PERIODS: dict[Reset | None, Period] = {"daily": "day", "weekly": "week", "monthly": "month", None: "total"}


class NewKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key to create. `user` is the hub's own field: who pays; without it, the user of the key that creates."""

    name: str
    limit: Decimal | None = None
    limit_reset: Reset | None = None
    include_byok_in_limit: bool = False
    expires_at: str | None = None
    user: str | None = None
    creator_user_id: str | None = None
    workspace_id: str | None = None


class KeyChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is changed of a key; what is left out stays. A `limit` of null is none."""

    name: str | UnsetType = UNSET
    disabled: bool | UnsetType = UNSET
    limit: Decimal | UnsetType | None = UNSET
    limit_reset: Reset | UnsetType | None = UNSET
    include_byok_in_limit: bool = False


NEW_KEY = JsonDecoder(NewKey)
KEY_CHANGE = JsonDecoder(KeyChange)


def body_of(content: bytes, decoder: "JsonDecoder[Body]") -> Body | BadRequest:
    """The body, or what is wrong with it."""
    try:
        return decoder.decode(content)
    except WrongForm as error:
        return BadRequest(field=written_path(error.steps).lstrip(".") or None, problem=f"{error.problem}.")
    except JSON_ERRORS:
        return BadRequest(field=None, problem="The body is not JSON.")


def amount_of(limit: Decimal) -> Credits | BadRequest:
    """A limit in credits."""
    try:
        nanos = parse_credits(format(limit, "f"))
    except AmountError as error:
        return BadRequest(field="limit", problem=f"{error}.")
    if nanos < 0:
        return BadRequest(field="limit", problem="Write an amount of credits, such as 20.")
    return Credits(nanos)


def moment_of(text: str) -> Moment | BadRequest:
    """When a key expires."""
    try:
        return Moment(read(0, Moment, text))
    except ValueError:
        return BadRequest(field="expires_at", problem="Write a moment such as 2027-12-31T23:59:59Z.")
