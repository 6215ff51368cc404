"""A service account signs its own tokens, as Google checks them: with the account's public key."""

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from adapters.providers.google import GOOGLE, GOOGLE_VERTEX
from adapters.providers.google.account import account, token
from domain.failures import Failure

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
NOON = 1_800_000_000 // 1_800


def pem(key: Any) -> str:
    plain = serialization.NoEncryption()
    return str(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain).decode())


def secret(private_key: str) -> str:
    file = {"type": "service_account", "private_key_id": "k1", "private_key": private_key, "client_email": "hub@x.test"}
    return base64.b64encode(json.dumps(file, indent=2).encode()).decode()


SECRET = secret(pem(KEY))


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def test_a_token_names_its_signer_and_lifetime_and_is_signed() -> None:
    head, claims, signature = token(SECRET, NOON).split(".")

    KEY.public_key().verify(decoded(signature), f"{head}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256())
    assert {"alg": "RS256", "typ": "JWT", "kid": "k1"} == json.loads(decoded(head))
    reported = json.loads(decoded(claims))
    assert ("hub@x.test", "hub@x.test", "https://www.googleapis.com/auth/cloud-platform") == (
        reported["iss"],
        reported["sub"],
        reported["scope"],
    )
    assert reported["iat"] <= NOON * 1_800
    assert reported["exp"] - reported["iat"] <= 3_600
    assert reported["exp"] > (NOON + 1) * 1_800 + 60


def test_a_token_is_signed_once_for_its_turn() -> None:
    assert token(SECRET, NOON) is token(SECRET, NOON)
    assert token(SECRET, NOON) != token(SECRET, NOON + 1)


def test_an_account_goes_as_a_bearer_and_never_as_a_key() -> None:
    assert GOOGLE_VERTEX.sign is not None
    signed = GOOGLE_VERTEX.sign(SECRET, "https://x.test", b"")

    assert isinstance(signed, tuple)
    assert [("authorization", True)] == [(name, value.startswith("Bearer ey")) for name, value in signed]
    for dialect in (GOOGLE, GOOGLE_VERTEX):
        assert [] == [value for _, value in dialect.headers(SECRET) if SECRET in value]


@pytest.mark.parametrize("plain", ["AIza-1", "ya29.a0", base64.b64encode(b'{"a":1}').decode(), None])
def test_what_is_no_account_is_not_signed(plain: str | None) -> None:
    assert GOOGLE_VERTEX.sign is not None
    assert () == GOOGLE_VERTEX.sign(plain, "https://x.test", b"")


@pytest.mark.parametrize("private_key", ["no key", "", pem(ec.generate_private_key(ec.SECP256R1()))])
def test_an_unreadable_key_is_reported_without_its_content(private_key: str) -> None:
    assert GOOGLE_VERTEX.sign is not None
    failure = GOOGLE_VERTEX.sign(secret(private_key), "https://x.test", b"")

    assert isinstance(failure, Failure)
    assert ("credential_rejected", "credential_unreadable") == (failure.kind, failure.code)
    assert "base64" in failure.message


def test_an_account_does_not_show_its_key() -> None:
    known = account(SECRET)

    assert "Account('hub@x.test')" == repr(known)
