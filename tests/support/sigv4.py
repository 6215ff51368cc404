"""AWS's signature, version 4, computed a second time: what a server does that believes nobody.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from urllib.parse import quote

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, "
    r"SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})"
)


def claims(authorization: str) -> dict[str, str]:
    """Who says to have signed, where and for what."""
    match = _AUTHORIZATION.fullmatch(authorization)
    assert match is not None, f"no authorization of version 4: {authorization}"
    return dict(zip(("key", "date", "region", "service", "headers", "signature"), match.groups(), strict=True))


def verified(secret: str, method: str, path: str, headers: Mapping[str, str], body: bytes) -> dict[str, str]:
    """The claims of a request as it came over the wire, if its signature is right; header names in lower case."""
    reported = claims(headers["authorization"])
    expected = signature(secret, method, path, headers, body, reported)
    assert hmac.compare_digest(expected, reported["signature"]), "the signature does not match the request"
    return reported


def signature(
    secret: str, method: str, path: str, headers: Mapping[str, str], body: bytes, reported: Mapping[str, str]
) -> str:
    """The signature of a request; the path is quoted once more, as every service but S3 has it."""
    path, _, query = path.partition("?")
    names = reported["headers"].split(";")
    canonical = "\n".join(
        [
            method,
            quote(path, safe="/~-._"),
            "&".join(sorted(query.split("&"))) if query else "",
            *(f"{name}:{' '.join(headers[name].split())}" for name in names),
            "",
            reported["headers"],
            hashlib.sha256(body).hexdigest(),
        ]
    )
    scope = f"{reported['date']}/{reported['region']}/{reported['service']}/aws4_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = "\n".join(["AWS4-HMAC-SHA256", headers["x-amz-date"], scope, digest])
    key = f"AWS4{secret}".encode()
    for part in (reported["date"], reported["region"], reported["service"], "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
