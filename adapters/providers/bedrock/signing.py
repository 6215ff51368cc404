"""Authentication at Bedrock: an API key as a bearer token, or a pair of AWS keys that sign each request.

House rule: the signature is botocore's. If a request cannot be signed (botocore is missing, the secret is not a pair),
the result is a `Failure` that names the remedy, not an exception.

https://docs.aws.amazon.com/bedrock/latest/userguide/api-keys-use.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
"""

import re
from urllib.parse import urlsplit

import msgspec

from adapters.providers.dialect import Headers
from domain.failures import Failure

REGION_DEFAULT = "us-east-1"
_SERVICE = "bedrock"
_REGION = re.compile(r"(?<![a-z0-9])[a-z]{2,3}(?:-[a-z]+)+-\d(?![a-z0-9])")
_SIGNED = ("authorization", "x-amz-date", "x-amz-security-token")


class KeyPair(msgspec.Struct, frozen=True):
    """AWS credentials; temporary ones have a session token."""

    access_key_id: str
    secret_access_key: str
    session_token: str | None = None

    def __repr__(self) -> str:
        return "KeyPair(…)"


def headers(secret: str | None) -> Headers:
    """Return the headers that are the same for every call. A stream is not JSON, so `accept` is wider."""
    accept = ("accept", "*/*")
    if secret is None or ":" in secret:
        return (accept,)
    return (accept, ("authorization", f"Bearer {secret}"))


def sign(secret: str | None, url: str, body: bytes) -> Headers | Failure:
    """Return the headers that sign one request, none for a bearer token; the time is this machine's."""
    try:
        import botocore  # noqa: F401 - a stream needs it even with a bearer token
    except ImportError:
        remedy = "run `.venv/bin/pip install -e '.[bedrock]'` where the hub was installed, and start it again"
        message = f"Bedrock needs botocore, which is not installed: {remedy}"
        return Failure(kind="unreachable", message=message, code="extra_missing")
    if secret is None or ":" not in secret:
        return ()
    pair = key_pair(secret)
    if pair is None:
        message = "the credential is neither a Bedrock API key nor ACCESS_KEY_ID:SECRET_ACCESS_KEY[:SESSION_TOKEN]"
        return Failure(kind="credential_rejected", message=message, code="credential_unreadable")
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    request = AWSRequest(method="POST", url=url, data=body)
    credentials = Credentials(pair.access_key_id, pair.secret_access_key, pair.session_token)
    SigV4Auth(credentials, _SERVICE, region(url)).add_auth(request)
    signed = {name.lower(): value for name, value in request.headers.items()}
    return tuple((name, signed[name]) for name in _SIGNED if name in signed)


def key_pair(secret: str) -> KeyPair | None:
    """Return the parts of ACCESS_KEY_ID:SECRET_ACCESS_KEY[:SESSION_TOKEN], or None for another secret."""
    parts = secret.split(":")
    return KeyPair(*parts) if len(parts) in (2, 3) and all(parts) else None


def region(url: str) -> str:
    """Return the region in a URL: in its host or, for a proxy of AWS, in its path.

    "https://bedrock-runtime.eu-west-1.amazonaws.com/model/…" is in "eu-west-1".
    """
    parts = urlsplit(url)
    # A model's ARN also names a region, but that is where its inference profile is.
    places = (parts.hostname or "", parts.path.partition("/model/")[0])
    found = next((match for place in places if (match := _REGION.search(place))), None)
    return found[0] if found else REGION_DEFAULT
