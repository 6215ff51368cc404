"""What the wires of all providers have in common: what is nonsense on them, and what counts."""

from typing import Annotated

import msgspec

from domain.usage import UNITS_MAX

DECODE_ERRORS = (msgspec.MsgspecError, ValueError, RecursionError)
"""What reading raises where the bytes are not what was promised: no JSON, no UTF-8, other types, too deep."""

Count = Annotated[int, msgspec.Meta(ge=0, le=UNITS_MAX)]
"""How many tokens, as a provider tells; what cannot be is nonsense."""
