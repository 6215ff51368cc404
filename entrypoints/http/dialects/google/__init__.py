"""Gemini's API, the caller's side: `generateContent`, whole and streamed.

House rule: the path names the model and the method, so there is a record for each such path. `read` and `request` read
requests, `render` writes answers.

https://ai.google.dev/api/generate-content
"""

from functools import lru_cache, partial

from entrypoints.http.dialects.dialect import CallerDialect
from entrypoints.http.dialects.google.errors import error, stream_error
from entrypoints.http.dialects.google.read import NAME, read
from entrypoints.http.dialects.google.render import render, start, whole
from entrypoints.http.dialects.google.request import to_request

METHODS = frozenset(("generateContent", "streamGenerateContent", "countTokens", "embedContent", "batchEmbedContents"))


@lru_cache(maxsize=1024)
def google_caller(model: str, stream: bool) -> CallerDialect:
    """The dialect of a call to that model."""
    return CallerDialect(
        name=NAME,
        read=partial(read, model=model, stream=stream),
        to_request=to_request,
        whole=whole,
        start=start,
        render=render,
        error=error,
        stream_error=stream_error,
        # Google's SDK for Python reads a comment as data, the one for JavaScript the line after a comment.
        keep_alive=b"\n",
    )


GOOGLE_CALLER = google_caller("", stream=False)
"""The dialect for errors, where no call could be read."""


def is_googles_path(path: str) -> bool:
    """Whether a path is one of Gemini's API, by its version or by the method at its end."""
    return path.lstrip("/").startswith("v1beta/models") or path.rpartition(":")[2] in METHODS
