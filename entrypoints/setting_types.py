"""The types of settings: each reads a text and returns a value, or raises ValueError with what is expected."""

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from domain.pricing.money import AmountError, parse_credits
from entrypoints.usecases.manage.masking import is_secret_text

_MASTER_KEY = re.compile(r"[0-9a-fA-F]{64}|[A-Za-z0-9+/_-]{43}=?")
# A scheme, a host and perhaps a port: desktop and mobile apps have schemes of their own (app://obsidian.md).
_ORIGIN = re.compile(
    r"[a-z][a-z0-9+.-]*://[a-z0-9._-]+(:[0-9]{1,5})?|[a-z][a-z0-9+.-]*://\[[0-9a-f:]+\](:[0-9]{1,5})?|null"
)
_DATABASE = "expected the URL of a database, such as postgresql://user:password@host/name"
_TOKEN_CHARACTERS_MIN = 8


def path(text: str) -> Path:
    """A path; `~` is the home directory of the hub's user."""
    return Path(text).expanduser()


def optional_path(text: str) -> Path | None:
    """A path, None if empty."""
    return path(text) if text else None


def host(text: str) -> str:
    """An address or a host name to listen on."""
    if not re.fullmatch(r"[A-Za-z0-9_.:-]+", text):
        raise ValueError("expected an address or a host name to listen on, such as 127.0.0.1")
    return text


def whole(low: int, high: int) -> Callable[[str], int]:
    """A whole number between two others."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < 19 and low <= int(text) <= high):
            raise ValueError(f"expected a whole number from {low} to {high}")
        return int(text)

    return read


def one_of(*values: str) -> Callable[[str], str]:
    """One of some values, in any case."""

    def read(text: str) -> str:
        for value in values:
            if text.lower() == value.lower():
                return value
        raise ValueError(f"expected {' or '.join(values)}")

    return read


def switch(text: str) -> bool:
    """Yes or no."""
    if text.lower() in ("true", "1", "yes", "on"):
        return True
    if text.lower() in ("false", "0", "no", "off"):
        return False
    raise ValueError("expected true or false")


def amount(text: str) -> int:
    """Credits, as nanos."""
    try:
        return parse_credits(text)
    except AmountError as error:
        raise ValueError(str(error)) from None


def margin(text: str) -> int | None:
    """A percentage, as nanos of a per cent; None if empty."""
    return amount(text) if text else None


def price(text: str) -> int:
    """The price of one credit, in nanos of a dollar."""
    nanos = amount(text)
    if nanos == 0:
        raise ValueError("expected the price of a credit in dollars, such as 1 or 0.01")
    return nanos


def database(text: str) -> str | None:
    """The URL of a PostgreSQL database; None if empty."""
    if not text:
        return None
    try:
        url = urlsplit(text)
        _ = url.port
    except ValueError:
        raise ValueError(_DATABASE) from None
    if url.scheme not in ("postgresql", "postgres") or not url.path.strip("/"):
        raise ValueError(_DATABASE)
    return text


def time_zone(text: str) -> str:
    """The name of a time zone that this machine knows."""
    from zoneinfo import ZoneInfo

    if text != "UTC":
        try:
            ZoneInfo(text)
        except (KeyError, ValueError, OSError):
            raise ValueError("expected a time zone such as UTC or Europe/Berlin") from None
    return text


def link(text: str) -> str | None:
    """A URL for people, None if empty."""
    if text and not re.fullmatch(r"https?://[^\s\"'<>\\]+", text):
        raise ValueError("expected an http or https URL")
    return text or None


def origins(text: str) -> tuple[str, ...]:
    """Origins of pages, in lower case, or `*` alone for all; none if empty."""
    found = tuple(dict.fromkeys(part.lower().rstrip("/") for part in re.split(r"[\s,]+", text) if part))
    if not all(one == "*" or _ORIGIN.fullmatch(one) for one in found):
        raise ValueError("expected origins such as https://app.example.com, separated by commas, or * for all")
    return ("*",) if "*" in found else found


def master_key(text: str) -> str | None:
    """The keys under which secrets are encrypted, the current one first, None if empty."""
    if text and not all(_MASTER_KEY.fullmatch(part) for part in text.split(",")):
        raise ValueError("expected 32 bytes as base64 or as hexadecimal digits, as from `openssl rand -base64 32`")
    return text or None


def token(text: str) -> str | None:
    """A secret that a client sends, None if empty."""
    if text and (len(text) < _TOKEN_CHARACTERS_MIN or not is_secret_text(text)):
        raise ValueError(
            f"expected at least {_TOKEN_CHARACTERS_MIN} printable ASCII characters without spaces, as from "
            "`openssl rand -hex 32`"
        )
    return text or None
