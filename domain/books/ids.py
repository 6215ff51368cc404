"""Ids as the books keep them: 16 bytes that sort by time, in place of a prefix and 26 characters.

An id is a prefix, an underscore and 26 digits of Crockford's base 32: 48 bits of milliseconds, then 80 random bits. Any
other text is kept as it is, after a byte that no time begins with, and sorts behind. So every text can be packed, and
no two texts are packed alike.
"""

import re
from functools import lru_cache

# The prefixes of the ids that are packed.
CALL, GRANT, KEY, USER, TEAM = "call", "grant", "key", "user", "team"
CREDENTIAL, RATE, ENTRY = "cred", "rate", "audit"
DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"
PAIRS = tuple(high + low for high in DIGITS for low in DIGITS)

_AS_TEXT = b"\xff"
_LENGTH, _BYTES = 26, 16
# In the year 9774; later ones would look like texts.
_LAST_MS = 7 * 2**45 - 1
# The first digit is less than 7, so that the first byte is never the one of a text.
_PACKABLE = re.compile(f"[0-6][{DIGITS}]{{{_LENGTH - 1}}}").fullmatch
# The digits that Python's own `int` reads in base 32.
_TO_INT = str.maketrans(DIGITS, "0123456789abcdefghijklmnopqrstuv")
_SHIFTS = range(10 * (_LENGTH // 2 - 1), -1, -10)


# The ids of one batch are asked for several times each.
@lru_cache(maxsize=1_024)
def packed(text: str, prefix: str) -> bytes:
    """Return the bytes of an id: 16 if it has this prefix and the usual form. They sort as the ids do, by time."""
    head, _, digits = text.partition("_")
    if head == prefix and _PACKABLE(digits):
        return int(digits.translate(_TO_INT), 32).to_bytes(_BYTES, "big")
    return _AS_TEXT + text.encode()


@lru_cache(maxsize=1_024)
def unpacked(value: bytes, prefix: str) -> str:
    """Return the id that was packed with this prefix."""
    if value.startswith(_AS_TEXT):
        return value[1:].decode()
    number = int.from_bytes(value, "big")
    return f"{prefix}_{''.join([PAIRS[number >> shift & 1023] for shift in _SHIFTS])}"


def text_of(value: bytes | str, prefix: str) -> str:
    """Return the id as text, whether it is packed with this prefix or a text already."""
    return value if isinstance(value, str) else unpacked(value, prefix)


def first_id(prefix: str, at_ms: int) -> str:
    """Return the id that is before all ids of this prefix that were made at the moment or later."""
    return unpacked(min(max(at_ms, 0), _LAST_MS).to_bytes(6, "big") + bytes(_BYTES - 6), prefix)
