"""Moderations pass through. OpenAI reports no usage and charges nothing; Mistral charges and reports usage.

https://developers.openai.com/api/reference/resources/moderations/methods/create
"""

from typing import Any

import msgspec

from adapters.providers.lenient_json import Lenient
from adapters.providers.openai.failure import malformed
from adapters.providers.openai.operations import passing, read
from adapters.providers.openai.usage import Reported, reported
from adapters.providers.usage_counts import UNREPORTED
from domain.model_api.events import Broken, Ended, Event

NAME = "openai-moderations"


class _Answer(msgspec.Struct):
    results: list[msgspec.Raw] | None = None
    usage: msgspec.Raw = UNREPORTED
    error: Any = None


_ANSWER = Lenient(_Answer)


def decode(body: bytes) -> tuple[Event, ...]:
    """Return the usage, if there is one; the results pass through unchanged."""
    answer = read(_ANSWER.decode, body)
    if isinstance(answer, Broken):
        return (answer,)
    if not answer.results:
        return (malformed("it has no results"),)
    return (*reported(Reported(), answer.usage, None)[1], Ended())


OPENAI_MODERATIONS = passing(NAME, "moderations", decode)
