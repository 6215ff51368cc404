"""Log lines on standard error as Lambda's own runtimes write them: one record per line, in text or in JSON.

Managed instances read JSON only. The id of the invocation is in each line.

https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html
"""

import logging
import sys
from contextvars import ContextVar

import msgspec

from entrypoints.log_lines import fields_of, time_of

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The id of the invocation that the running task serves."""


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        text = f"[{record.levelname}]\t{time_of(record)}\t{request_id.get()}\t{super().format(record)}"
        return text.replace("\n", "\r")  # A line break would begin another record.


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        fields = {
            "timestamp": time_of(record),
            "level": record.levelname,
            "logger": record.name,
            "message": super().format(record),
            "requestId": request_id.get(),
            **fields_of(record),
        }
        return msgspec.json.encode(fields).decode()


def log_to_lambda(log_format: str, level: str) -> None:
    """Write records of that level and above in the format that AWS_LAMBDA_LOG_FORMAT names."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if log_format.upper() == "JSON" else _Text())
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.getLevelNamesMapping().get(level.upper(), logging.INFO))
