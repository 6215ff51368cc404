"""What OpenAI's APIs beside chat have in common, the caller's side."""

from typing import Annotated, Any, NoReturn

import msgspec

from entrypoints.http.openai import error, stream_error

__all__ = ["FIELDS", "Model", "error", "never_streams", "only_passes", "stream_error"]

Model = Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]  # Kept in the call log; an ARN fits.
FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])


def only_passes(*_: Any) -> NoReturn:
    """Stands where a call would be translated that only goes to providers of its own dialect."""
    raise AssertionError("this API is only passed through")


def never_streams(*_: Any) -> NoReturn:
    """Stands where a dialect would render a stream that it does not have."""
    raise AssertionError("this API does not stream across dialects")
