"""Errors as AIGNE's components read them: OpenAI's, and a lack of credit as `NOT_ENOUGH` with a link to buy more."""

from typing import Any

import msgspec

from entrypoints.http.dialects.dialect import CallerDialect, ErrorBody
from entrypoints.http.dialects.openai_chat import OPENAI_CALLER

NOT_ENOUGH = "NOT_ENOUGH"
_ERROR = msgspec.json.Decoder(dict[str, dict[str, Any]])


def error(body: ErrorBody) -> bytes:
    """OpenAI's error; its `type` and `link` are AIGNE's where credit is missing."""
    reported = OPENAI_CALLER.error(body)
    if body.kind != "insufficient_credit":
        return reported
    fields = _ERROR.decode(reported)["error"]
    return msgspec.json.encode({"error": {**fields, "type": NOT_ENOUGH, "link": body.facts.get("payment_link")}})


def with_aignes_errors(dialect: CallerDialect) -> CallerDialect:
    """A dialect of OpenAI's, with AIGNE's error where credit is missing."""
    return msgspec.structs.replace(dialect, error=error)
