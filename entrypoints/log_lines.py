"""Log records as lines of JSON, for AIHUB_LOG=json and for Lambda.

A record may carry a mapping `fields` (`extra={"fields": …}`), whose values become fields of the line.
"""

import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec


class JsonLines(logging.Formatter):
    """One JSON object for each record; a traceback is in its message."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line without its end."""
        line = {
            "timestamp": time_of(record),
            "level": record.levelname,
            "logger": record.name,
            "process": record.process,
            "message": super().format(record),
            **fields_of(record),
        }
        return msgspec.json.encode(line).decode()


def log_as_json() -> None:
    """Write the records of this process to standard error as JSON: the hub's from INFO up, others' from WARNING up.

    Where the platform or an application around the hub has a handler already, that one gets the hub's records.
    """
    root = logging.getLogger()
    if not root.handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(JsonLines())
        root.addHandler(handler)
    logging.getLogger("aihub").setLevel(logging.INFO)


def fields_of(record: logging.LogRecord) -> Mapping[str, Any]:
    """The fields that the record carries."""
    fields: Mapping[str, Any] = getattr(record, "fields", {})
    return fields


def time_of(record: logging.LogRecord) -> str:
    """The time of a record in UTC, in milliseconds."""
    return datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
