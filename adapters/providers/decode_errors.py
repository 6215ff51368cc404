"""Decoding errors and counts, for the wire formats of all providers."""

from typing import Annotated

import msgspec

from domain.usage import UNITS_MAX

DECODE_ERRORS = (msgspec.MsgspecError, ValueError, RecursionError)
"""Exceptions of decoding if the bytes are not as promised: no JSON, no UTF-8, other types, too deep."""

Count = Annotated[int, msgspec.Meta(ge=0, le=UNITS_MAX)]
"""A number of tokens, as a provider reports it; an impossible value fails to decode."""
