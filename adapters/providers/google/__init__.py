"""Google's Gemini API (`generateContent`, `streamGenerateContent`), as a provider; Vertex AI has the same dialect.

House rule: a request of a caller of this dialect passes through (`pass_through`); all others use the canonical request:
`encode` with `contents`, `schema`, `media` and `extras` for the request, `refuse` for what it cannot express, `answer`
with `parts` and `usage` for the answer, `failure` for errors.

https://ai.google.dev/api/generate-content,
https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference
"""

from urllib.parse import quote

import msgspec

from adapters.providers.dialect import Headers, ProviderDialect, never
from adapters.providers.google.account import account, sign
from adapters.providers.google.answer import UntilTheEnd, decode, start, step
from adapters.providers.google.encode import encode
from adapters.providers.google.failure import NAME, failure
from adapters.providers.google.pass_through import decode_count, pass_count, pass_through
from adapters.providers.google.refuse import refuses, unsupported_fields
from domain.model_api.operations import GOOGLE_COUNT_TOKENS

_JSON = ("content-type", "application/json")
# A resource name may be given in full: a tuned model, an endpoint of Vertex.
_RESOURCES = ("models/", "tunedModels/", "publishers/", "endpoints/")


def path(model: str, stream: bool) -> str:
    """Return `models/{model}:generateContent`. Without `alt=sse` a stream would be one long JSON list."""
    return f"{_resource(model)}:{'streamGenerateContent?alt=sse' if stream else 'generateContent'}"


def _resource(model: str) -> str:
    folder, _, name = model.rpartition("/")
    prefix = f"{folder}/" if f"{folder}/".startswith(_RESOURCES) and ".." not in folder else "models/"
    name = name if prefix != "models/" or folder == "models" else model
    return f"{quote(prefix, safe='/')}{quote(name, safe='')}"


def headers(secret: str | None) -> Headers:
    """Return an API key, which both of Google's services accept in the same header, or an OAuth access token.

    The token of a service account is made for each request, see `account`.

    Access tokens begin with "ya29.": https://docs.cloud.google.com/docs/authentication/token-types
    """
    if secret is None or account(secret) is not None:
        return (_JSON,)
    if secret.startswith("ya29."):
        return (_JSON, ("authorization", f"Bearer {secret}"))
    return (_JSON, ("x-goog-api-key", secret))


GOOGLE = ProviderDialect(
    name=NAME,
    path=path,
    headers=headers,
    pass_through=pass_through,
    encode=encode,
    refuses=refuses,
    unsupported=unsupported_fields,
    decode=decode,
    start=start,
    step=step,
    failure=failure,
    framer=UntilTheEnd,
)
GOOGLE_VERTEX = msgspec.structs.replace(GOOGLE, name="google-vertex", sign=sign)
GOOGLE_COUNTING = msgspec.structs.replace(
    GOOGLE,
    name=GOOGLE_COUNT_TOKENS,
    path=lambda model, stream: f"{_resource(model)}:countTokens",
    pass_through=pass_count,
    encode=never,
    refuses=never,
    decode=decode_count,
    start=never,
    step=never,
)
