"""Signs besides the path of a call that Google's SDKs or tools made a request."""

import msgspec

from entrypoints.http.dialects.google import is_googles_path
from entrypoints.http.wire import Request

_KEY_HEADER = "x-goog-api-key"


def is_googles(request: Request) -> bool:
    """Whether a list of models is requested in Gemini's form: by its path, or by the name of its SDKs."""
    return is_googles_path(request.path) or "x-goog-api-client" in request.headers


def with_key(request: Request) -> Request:
    """The request with the key of its query, `?key=`, moved to the usual header; on Gemini's paths only."""
    key = request.query_value("key") if is_googles_path(request.path) else None
    if key is None or _KEY_HEADER in request.headers:
        return request
    return msgspec.structs.replace(request, headers={**request.headers, _KEY_HEADER: key})
