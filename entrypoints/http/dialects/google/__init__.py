"""Gemini's API, as a caller speaks it: `generateContent`, whole and streamed.

House rule: the path names the model and what is asked of it, so there is a record for each such path. Reading is in
`read` and `request`, answering in `render`.

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
        # Google's SDK for Python takes a comment for data, the one for JavaScript whatever follows a comment.
        keep_alive=b"\n",
    )


GOOGLE_CALLER = google_caller("", stream=False)
"""The dialect's words for errors, where no call could be read."""


def is_googles_path(path: str) -> bool:
    """Whether a path is one of Gemini's API, by its version or by the method at its end."""
    return path.lstrip("/").startswith("v1beta/models") or path.rpartition(":")[2] in METHODS
