"""The types of arguments: each reads a text, and reports a wrong one in one line."""

import argparse
from collections.abc import Callable

from entrypoints.usecases.public_types import read


def public(kind: type) -> Callable[[str], Callable[[int], int]]:
    """A reader of the public form of a type: it returns the value as a function of the present time."""

    def read_argument(text: str) -> Callable[[int], int]:
        try:
            read(0, kind, text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(_about(text, str(error))) from None
        return lambda now_ms: read(now_ms, kind, text)

    return read_argument


def whole(text: str) -> int:
    """Digits alone."""
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise argparse.ArgumentTypeError(f"invalid value {text!r}: expected a whole number")
    return int(text)


def between(least: int, most: int) -> Callable[[str], int]:
    """A reader of a whole number in that range."""

    def read(text: str) -> int:
        number = whole(text)
        if not least <= number <= most:
            raise argparse.ArgumentTypeError(f"write a number from {least} to {most}")
        return number

    return read


def listed(words: tuple[str, ...]) -> Callable[[str], tuple[str, ...]]:
    """A reader of some of these words, separated by commas, or of `none`; they are returned in the order given here."""

    def read(text: str) -> tuple[str, ...]:
        names = [] if text == "none" else [name.strip() for name in text.split(",")]
        if not set(names) <= set(words):
            expected = f"expected some of {','.join(words)}, or none"
            raise argparse.ArgumentTypeError(f"invalid value {text!r}: {expected}")
        return tuple(word for word in words if word in names)

    return read


def _about(text: str, problem: str) -> str:
    """The problem, with the text that it is about."""
    return problem if repr(text) in problem else f"invalid value {text!r}: {problem[0].lower()}{problem[1:]}"
