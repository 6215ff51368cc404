"""The buffered function under Lambda's own runtime for Python, on a Runtime API over real sockets."""

import base64
import json
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.support.runtime_api import RuntimeApiDouble, url_event
from tests.system.lambda_function import BUFFERED, function, requested
from tests.system.scripted_answers import Script
from tests.system.scripted_provider import ScriptedProvider

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(find_spec("awslambdaric") is None, reason="awslambdaric is not installed"),
]


async def test_a_streamed_call_is_answered_complete_and_charged(tmp_path: Path, provider: ScriptedProvider) -> None:
    async with RuntimeApiDouble() as api:
        with function(tmp_path / "data", api, provider.base_url, BUFFERED) as made:
            invoked = await api.invoke(requested(made.hub, Script(id="buffered")))
            await invoked.whole()
            books = made.audit()

    answer = json.loads(invoked.body)
    assert 200 == answer["statusCode"]
    assert _text(answer).endswith("data: [DONE]\n\n")
    [call] = books.calls.values()
    assert ("completed", True) == (call.ending, call.charge > 0)


async def test_the_scheduled_sweep_is_answered(tmp_path: Path) -> None:
    async with RuntimeApiDouble() as api:
        with function(tmp_path / "data", api, command=BUFFERED):
            invoked = await api.invoke({"aihub": "sweep"})
            await invoked.whole()
            after = await api.invoke(url_event("GET", "/healthz"))
            await after.whole()

    assert {"lost": 0, "expired_grants": 0} == json.loads(invoked.body)
    assert 200 == json.loads(after.body)["statusCode"]


def _text(answer: dict[str, str]) -> str:
    return base64.b64decode(answer["body"]).decode() if answer["isBase64Encoded"] else answer["body"]
