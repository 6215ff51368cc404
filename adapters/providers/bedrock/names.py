"""Names in the few characters that Converse allows, for documents and tool calls."""

import re

from domain.dialects.tool_call_ids import CONVERSE_IDS, fitted_id

_UNNAMEABLE = re.compile(r"[^0-9A-Za-z\s()\[\]-]+")
_NAME_CHARACTERS_MAX = 180  # of 200, so that a number can follow


class Names:
    """The names of a request's documents, each unique and in the characters that Converse allows.

    An instance is used for one request. "report.v2.pdf" becomes "report v2 pdf"; the next document with that name gets
    a number. https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_DocumentBlock.html
    """

    def __init__(self) -> None:
        self._given: set[str] = set()

    def name(self, wanted: str | None) -> str:
        """Return an unused name that is close to the wanted one."""
        base = " ".join(_UNNAMEABLE.sub(" ", wanted or "").split())[:_NAME_CHARACTERS_MAX].strip()
        name, number = (base, 1) if base else (f"Document {len(self._given) + 1}", len(self._given) + 1)
        while name in self._given:
            number += 1
            name = f"{base} ({number})" if base else f"Document {number}"
        self._given.add(name)
        return name


def tool_id(given: str) -> str:
    """Return a call's id in the characters that Converse allows: unique, and the same on every turn."""
    return fitted_id(given, CONVERSE_IDS)
