"""Bearer tokens for a service account at Vertex AI, which the hub signs itself with the account's key.

House rule: no token server is involved. Google accepts such a token where it would accept one of its own, so there is
no exchange that could fail or be slow. A token is valid for an hour and replaced after half an hour.
https://google.aip.dev/auth/4111

The secret is the account's key file in base64, because a secret contains no whitespace.
"""

import base64
import time
from functools import lru_cache

import msgspec

from adapters.providers.decode_errors import DECODE_ERRORS
from adapters.providers.dialect import Headers
from domain.failures import Failure

_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_TURN_S, _LIFE_S, _SKEW_S = 1_800, 3_600, 60


class Account(msgspec.Struct, frozen=True):
    """The fields of the key file that are needed."""

    client_email: str
    private_key: str
    private_key_id: str

    def __repr__(self) -> str:
        return f"Account({self.client_email!r})"


_ACCOUNT = msgspec.json.Decoder(Account)


def sign(secret: str | None, _url: str, _body: bytes) -> Headers | Failure:
    """Return the token of a service account; nothing for an API key or an access token, which `headers` sends."""
    if secret is None or account(secret) is None:
        return ()
    try:
        return (("authorization", f"Bearer {token(secret, int(time.time()) // _TURN_S)}"),)
    except ValueError:
        message = (
            "the private key of the service account cannot be read: give its key file as Google made it, in base64"
        )
        return Failure(kind="credential_rejected", message=message, code="credential_unreadable")


@lru_cache(maxsize=64)
def account(secret: str) -> Account | None:
    """Return the service account whose key file the secret is, or None if it is something else."""
    try:
        return _ACCOUNT.decode(base64.b64decode(secret, validate=True))
    except DECODE_ERRORS:
        return None


@lru_cache(maxsize=64)
def token(secret: str, turn: int) -> str:
    """Return the token for a half-hour period, counted since 1970. Raises ValueError for an invalid key."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    known = account(secret)
    assert known is not None
    try:
        key = load_pem_private_key(known.private_key.encode(), None)
    except (TypeError, UnsupportedAlgorithm) as error:
        raise ValueError("the private key cannot be read") from error
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("the private key is no RSA key")
    issued_s = turn * _TURN_S - _SKEW_S
    claims = {
        "iss": known.client_email,
        "sub": known.client_email,
        "scope": _SCOPE,
        "iat": issued_s,
        "exp": issued_s + _LIFE_S,
    }
    head = {"alg": "RS256", "typ": "JWT", "kid": known.private_key_id}
    signed = b".".join(_encoded(msgspec.json.encode(part)) for part in (head, claims))
    return (signed + b"." + _encoded(key.sign(signed, PKCS1v15(), SHA256()))).decode()


def _encoded(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
