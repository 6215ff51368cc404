"""How Bedrock knows the hub: a bearer token, or a signature that a second implementation finds right."""

import json
import sys
from collections.abc import AsyncIterator

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.providers.bedrock import BEDROCK, signing
from adapters.providers.bedrock.signing import key_pair, region
from adapters.providers.http import HttpProviders
from adapters.providers.transport import Http1Transport
from domain.failures import Failure
from domain.model_api.call import Attempt, ModelCall, Target
from domain.model_api.requests import Message, Text
from tests.adapters.http_attempts import RowVault, outcome
from tests.support.bedrock import CLAUDE, requested
from tests.support.provider import StubProvider, answering
from tests.support.sigv4 import claims, signature, verified

KEY, SECRET, TOKEN = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "IQoJb3JpZ2luX2VjEXAMPLE//token=="
PAIR = f"{KEY}:{SECRET}"
ARN = "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/abc-1.x"
ANSWER = b'{"output":{"message":{"role":"assistant","content":[{"text":"hi"}]}},"stopReason":"end_turn"}'


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("GET", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("POST", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
    ],
)
def test_the_second_implementation_gives_the_signatures_that_aws_published(method: str, expected: str) -> None:
    """`get-vanilla` and `post-vanilla` of AWS's Signature Version 4 test suite."""
    headers = {"host": "example.amazonaws.com", "x-amz-date": "20150830T123600Z"}
    reported = {"headers": "host;x-amz-date", "date": "20150830", "region": "us-east-1", "service": "service"}

    assert expected == signature(SECRET, method, "/", headers, b"", reported)


@given(st.text(), st.sampled_from([CLAUDE, ARN, "a b/ü:1", "x~y_z-1.2"]), st.booleans())
def test_every_request_is_signed_as_it_will_be_sent(said: str, model: str, stream: bool) -> None:
    url = f"https://bedrock-runtime.eu-central-1.amazonaws.com/{BEDROCK.path(model, stream)}"
    body = json.dumps({"said": said}).encode()

    signed = signing.sign(f"{PAIR}:{TOKEN}", url, body)

    assert not isinstance(signed, Failure)
    headers = {**dict(signed), "host": "bedrock-runtime.eu-central-1.amazonaws.com"}
    reported = verified(
        SECRET, "POST", url.removeprefix("https://bedrock-runtime.eu-central-1.amazonaws.com"), headers, body
    )
    assert (KEY, "eu-central-1", "bedrock") == (reported["key"], reported["region"], reported["service"])
    assert {"host", "x-amz-date", "x-amz-security-token"} == set(reported["headers"].split(";"))
    assert TOKEN == headers["x-amz-security-token"]


def test_a_signature_is_of_this_body_alone() -> None:
    url = "https://bedrock-runtime.us-east-1.amazonaws.com/model/m/converse"
    signed = signing.sign(PAIR, url, b"{}")

    assert not isinstance(signed, Failure)
    headers = {**dict(signed), "host": "bedrock-runtime.us-east-1.amazonaws.com"}
    reported = claims(headers["authorization"])
    assert reported["signature"] == signature(SECRET, "POST", "/model/m/converse", headers, b"{}", reported)
    assert reported["signature"] != signature(SECRET, "POST", "/model/m/converse", headers, b"{ }", reported)


def test_a_bearer_token_needs_no_signature() -> None:
    assert ("authorization", "Bearer bedrock-api-key-123") in signing.headers("bedrock-api-key-123")
    assert () == signing.sign("bedrock-api-key-123", "https://x", b"")
    assert "authorization" not in dict(signing.headers(PAIR))
    assert "authorization" not in dict(signing.headers(None))


@pytest.mark.parametrize("secret", [":", "AKID:", ":secret", "a:b:", "a:b:c:d"])
def test_a_value_of_neither_kind_is_reported_as_such(secret: str) -> None:
    failure = signing.sign(secret, "https://x", b"")

    assert isinstance(failure, Failure)
    assert ("credential_rejected", "credential_unreadable") == (failure.kind, failure.code)
    assert "ACCESS_KEY_ID:SECRET_ACCESS_KEY[:SESSION_TOKEN]" in failure.message
    assert key_pair(secret) is None


def test_no_key_is_printed() -> None:
    assert SECRET not in repr(key_pair(PAIR))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://bedrock-runtime.us-east-1.amazonaws.com/model/m/converse",            "us-east-1"),
        ("https://bedrock-runtime.ap-southeast-2.amazonaws.com/model/m/converse",       "ap-southeast-2"),
        ("https://bedrock-runtime-fips.us-gov-west-1.amazonaws.com/model/m/converse",   "us-gov-west-1"),
        ("https://bedrock-runtime.cn-north-1.amazonaws.com.cn/model/m/converse",        "cn-north-1"),
        ("https://vpce-0a1b-1.bedrock-runtime.eu-west-3.vpce.amazonaws.com/model/m/x",  "eu-west-3"),
        ("http://127.0.0.1:9/eu-west-2/model/m/converse",                               "eu-west-2"),
        ("http://127.0.0.1:9/model/arn%3Aaws%3Abedrock%3Aeu-west-1%3A1%3Ax/converse",   "us-east-1"),
    ],
)  # fmt: skip
def test_the_region_is_in_the_url(url: str, expected: str) -> None:
    assert expected == region(url)


@pytest.mark.parametrize(
    ("model", "path"),
    [
        ("us.amazon.nova-lite-v1:0", "model/us.amazon.nova-lite-v1%3A0/converse"),
        (
            ARN,
            "model/arn%3Aaws%3Abedrock%3Aeu-west-1%3A123456789012%3Aapplication-inference-profile%2Fabc-1.x/converse",
        ),
        ("a/../b?c#d", "model/a%2F..%2Fb%3Fc%23d/converse"),
    ],
)
def test_the_model_stands_in_the_path_and_cannot_leave_its_place(model: str, path: str) -> None:
    assert path == BEDROCK.path(model, False)
    assert f"{path}-stream" == BEDROCK.path(model, True)


def test_without_botocore_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "botocore", None)

    for secret in (PAIR, "bedrock-api-key-123"):
        failure = signing.sign(secret, "https://x", b"")
        assert isinstance(failure, Failure)
        assert ("unreachable", "extra_missing") == (failure.kind, failure.code)
        assert "`.venv/bin/pip install -e '.[bedrock]'`" in failure.message, "as the README has it"


# --- over the wire --------------------------------------------------------------------------------------


@pytest.fixture(params=["ours", "httpx2"])
async def bedrock(request: pytest.FixtureRequest) -> AsyncIterator[HttpProviders]:
    transport = Http1Transport() if request.param == "ours" else httpx2.AsyncHTTPTransport(verify=False)
    yield HttpProviders(transport, {}, RowVault(), {"bedrock": BEDROCK})
    await transport.aclose()


def at(base_url: str, secret: str, model: str = CLAUDE) -> Attempt:
    target = Target(
        provider="bedrock",
        dialect="bedrock",
        base_url=base_url,
        model=model,
        credential_id="cred_1",
        sealed=RowVault().seal(secret.encode(), "credential:cred_1"),
    )
    return Attempt(call_id="call_1", target=target, timeout_ms=10_000)


def _call() -> ModelCall:
    return ModelCall(dialect="openai", model="bedrock/m", fields={}, body_bytes=10)


@pytest.mark.anyio
@pytest.mark.parametrize("model", [CLAUDE, ARN])
async def test_the_signature_is_right_for_what_reaches_the_provider(bedrock: HttpProviders, model: str) -> None:
    request = requested(model=model, messages=(Message(role="user", parts=(Text(text="Grüße"),)),))
    async with StubProvider(answering(200, ANSWER)) as stub:
        base_url = f"http://127.0.0.1:{stub.port}/eu-west-1"
        found = await outcome(bedrock, at(base_url, f"{PAIR}:{TOKEN}", model), _call(), request)

    assert not isinstance(found, Failure), found
    (received,) = stub.requests
    assert f"/eu-west-1/{BEDROCK.path(model, False)}" == received.path
    reported = verified(SECRET, "POST", received.path, received.headers, received.body)
    assert (KEY, "eu-west-1", "bedrock") == (reported["key"], reported["region"], reported["service"])


@pytest.mark.anyio
@pytest.mark.parametrize("part", [KEY + "0123456789", SECRET, TOKEN])
async def test_no_failure_reveals_a_part_of_the_secret(bedrock: HttpProviders, part: str) -> None:
    secret = f"{KEY}0123456789:{SECRET}:{TOKEN}"
    error = json.dumps({"message": f"Signed with {part}", "__type": part}).replace("/", "\\/").encode()
    async with StubProvider(answering(403, error, {"x-amzn-ErrorType": "UnrecognizedClientException"})) as stub:
        attempt = at(f"http://127.0.0.1:{stub.port}", secret)
        with_request = await outcome(bedrock, attempt, _call(), requested())

    assert isinstance(with_request, Failure)
    assert "credential_rejected" == with_request.kind
    assert part not in repr(with_request).replace("\\", "")


@pytest.mark.anyio
async def test_a_request_that_cannot_be_signed_is_not_sent(bedrock: HttpProviders) -> None:
    async with StubProvider(answering(200, ANSWER)) as stub:
        found = await outcome(bedrock, at(f"http://127.0.0.1:{stub.port}", "a:b:c:d"), _call(), requested())

    assert isinstance(found, Failure)
    assert [] == stub.requests
