"""The streaming function on a Runtime API over real sockets: what Lambda sees, when, and what the books say then."""

import signal
from pathlib import Path

import anyio.to_thread
import pytest

from tests.support.runtime_api import Invoked, RuntimeApiDouble, url_event
from tests.system.lambda_function import function, requested
from tests.system.scripted_answers import Script, streamed
from tests.system.scripted_provider import ScriptedProvider

pytestmark = pytest.mark.anyio
DONE = b"data: [DONE]\n\n"


async def test_each_chunk_reaches_lambda_before_the_provider_sends_the_next(
    tmp_path: Path, provider: ScriptedProvider
) -> None:
    """The provider sends its second word only after the test has seen the first at Lambda."""
    script = Script(id="gated", words=4, gate="gated", gate_after=2)
    async with RuntimeApiDouble() as api:
        with function(tmp_path / "data", api, provider.base_url) as made:
            invoked = await api.invoke(requested(made.hub, script))

            await _until(invoked, b"word0")
            assert b"word1" not in invoked.body
            provider.open_gate("gated")
            await invoked.whole()

    assert invoked.payload == _relayed(script)
    assert invoked.prelude["statusCode"] == 200
    assert invoked.prelude["headers"]["content-type"].startswith("text/event-stream")
    assert {} == invoked.trailers
    assert invoked.request is not None
    headers = invoked.request.headers
    assert headers["lambda-runtime-function-response-mode"] == "streaming"
    assert headers["content-type"] == "application/vnd.awslambda.http-integration-response"
    assert headers["lambda-runtime-invocation-id"] == invoked.attempt


async def test_the_charge_is_committed_when_the_last_byte_arrives_and_a_freeze_changes_nothing(
    tmp_path: Path, provider: ScriptedProvider
) -> None:
    """The process is stopped at the last chunk, as Lambda freezes it, and goes on with the next invocation."""
    async with RuntimeApiDouble() as api:
        with function(tmp_path / "data", api, provider.base_url) as made:
            for number in range(1, 4):
                invoked = await api.invoke(requested(made.hub, Script(id=f"call{number}")), held=True)
                await _until(invoked, DONE)
                made.signal(signal.SIGSTOP)

                books = made.audit()
                endings = [call.ending for call in books.calls.values()]
                assert ["completed"] * number == endings
                assert all(call.charge > 0 for call in books.calls.values())
                assert number == api.requested, "Lambda had not accepted the response"
                made.signal(signal.SIGCONT)
                invoked.accept.set()
            await api.until(4)
            made.signal(signal.SIGSTOP)
            made.kill()
            verified = made.hub.cli("ledger", "verify")

    assert (True, 0) == (verified["ok"], verified["open_holds"])


@pytest.mark.parametrize("stream", [True, False])
async def test_a_kill_at_any_chunk_leaves_books_that_add_up(
    tmp_path: Path, provider: ScriptedProvider, stream: bool
) -> None:
    """Whatever Lambda has as a whole is charged; what a kill has broken off is ended by the next start."""
    whole: list[Invoked] = []
    kills = range(6 if stream else 3)
    async with RuntimeApiDouble() as api:
        with function(tmp_path / "data", api, provider.base_url) as made:
            for kill_at in kills:
                # The first is killed while its provider is silent: that call is lost, whatever the machine is busy with.
                script = Script(id=f"kill{kill_at}-{stream}", words=2, silent_after=None if kill_at else -1)
                invoked = await api.invoke(requested(made.hub, script, stream))
                await anyio.to_thread.run_sync(provider.wait_for, script.id)
                for _ in range(kill_at):
                    if await invoked.chunk() is None:
                        break
                made.kill()
                whole += [invoked] if invoked.is_whole else []
                made.start()
            after = await api.invoke(requested(made.hub, Script(id="after"), stream))
            await after.whole()
            made.hub.cli("sweep")
            books = made.audit()
            verified = made.hub.cli("ledger", "verify")

    assert (True, 0) == (verified["ok"], verified["open_holds"])
    assert "0" == made.hub.balance()["held"]
    endings = [call.ending for call in books.calls.values()]
    assert endings.count("completed") >= len(whole) + 1
    assert "lost" in endings
    for invoked in [*whole, after]:
        assert books.calls[invoked.prelude["headers"]["x-request-id"]].charge > 0


async def test_a_response_that_lambda_breaks_off_is_charged_as_far_as_it_was_delivered(
    tmp_path: Path, provider: ScriptedProvider
) -> None:
    """Lambda ends the connection in mid-answer: that is a caller who has left, and the provider is not read on."""
    script = Script(id="cut", words=500, silent_after=400)
    async with RuntimeApiDouble(cut_responses=True) as api:
        with function(tmp_path / "data", api, provider.base_url) as made:
            await api.invoke(requested(made.hub, script))
            await api.until(2)
            books = made.audit()

    assert provider.wait_for("cut").left.wait(10)
    [call] = books.calls.values()
    assert "client_disconnected" == call.ending
    assert 0 < call.charge < call.hold


async def test_a_call_that_does_not_stream_is_one_response(tmp_path: Path, provider: ScriptedProvider) -> None:
    async with RuntimeApiDouble() as api:
        with function(tmp_path / "data", api, provider.base_url) as made:
            invoked = await api.invoke(requested(made.hub, Script(id="whole"), stream=False))
            await invoked.whole()

    assert b"word0 word1 word2" in invoked.payload
    assert "0.00002" == invoked.prelude["headers"]["x-aihub-charge"]
    assert "content-length" not in invoked.prelude["headers"]


async def test_invocations_overlap_where_lambda_sends_several(tmp_path: Path, provider: ScriptedProvider) -> None:
    async with RuntimeApiDouble() as api:
        with function(tmp_path / "data", api, provider.base_url, AWS_LAMBDA_MAX_CONCURRENCY="3") as made:
            await api.until(3)
            scripts = [Script(id=f"at-once-{n}", gate="at-once", gate_after=2) for n in range(3)]
            invoked = [await api.invoke(requested(made.hub, script)) for script in scripts]
            for one in invoked:
                await _until(one, b"word0")
            provider.open_gate("at-once")
            for one, script in zip(invoked, scripts, strict=True):
                await one.whole()
                assert one.payload == _relayed(script)
            await api.until(6)


async def test_the_scheduled_sweep_is_answered_and_ends_lost_calls(tmp_path: Path, provider: ScriptedProvider) -> None:
    async with RuntimeApiDouble() as api:
        with function(tmp_path / "data", api, provider.base_url) as made:
            await api.invoke(requested(made.hub, Script(id="lost", silent_after=0)))
            await anyio.to_thread.run_sync(provider.wait_for, "lost")
            made.kill()
            held = made.hub.balance()["held"]
            made.start()
            invoked = await api.invoke({"aihub": "sweep"})
            await invoked.whole()

    assert held != "0"
    assert "0" == made.hub.balance()["held"]
    assert b'{"lost":0,"expired_grants":0}' == invoked.body  # The start has swept already.


async def test_an_unknown_event_is_reported_as_an_error(tmp_path: Path) -> None:
    async with RuntimeApiDouble() as api:
        with function(tmp_path / "data", api):
            unknown = await api.invoke({"Records": []})
            await unknown.whole()
            known = await api.invoke(url_event("GET", "/healthz"))
            await known.whole()

    assert "Function.UnknownEvent" == unknown.error["errorType"]
    assert unknown.request is not None
    assert unknown.attempt == unknown.request.headers["lambda-runtime-invocation-id"]
    assert 200 == known.prelude["statusCode"]


async def test_a_hub_that_cannot_start_is_an_init_error_that_names_the_setting(tmp_path: Path) -> None:
    async with RuntimeApiDouble() as api:
        with function(tmp_path / "data", api, AIHUB_MASTER_KEY="short") as made:
            await api.until_init_error()
            code = made.ended()

    assert (1, 0) == (code, api.requested)
    assert "Function.CannotStart" == api.init_error_type == api.init_error["errorType"]
    assert api.init_error["errorMessage"].startswith("AIHUB_MASTER_KEY: expected 32 bytes")


async def test_a_process_that_must_end_answers_its_invocation_first(tmp_path: Path, provider: ScriptedProvider) -> None:
    async with RuntimeApiDouble() as api:
        with function(tmp_path / "data", api, provider.base_url) as made:
            invoked = await api.invoke(requested(made.hub, Script(id="last", gate="last", gate_after=2)))
            await _until(invoked, b"word0")
            made.signal(signal.SIGTERM)
            provider.open_gate("last")
            await invoked.whole()
            code = made.ended()
            books = made.audit()

    assert (0, 1) == (code, api.requested)
    assert ["completed"] == [call.ending for call in books.calls.values()]


async def _until(invoked: Invoked, text: bytes) -> None:
    """Return when that text has arrived at Lambda."""
    while text not in invoked.body:
        assert await invoked.chunk() is not None, invoked.body


def _relayed(script: Script) -> bytes:
    """What the provider sends, without the usage, which this caller has not asked for."""
    *events, _, done = streamed(script, "openai")
    return b"".join([*events, done])
