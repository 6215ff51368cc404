"""Where a request comes from, by its own headers: the app, the run of an agent, the trace, the client program.

None of it is proved, and nothing is permitted by it: it is for the operator's call log. Every value is bounded, and one
that does not have the form of its kind counts as missing.

The headers, by their makers:

    x-aigne-hub-client-did     AIGNE's client
    http-referer, x-title      openrouter.ai/docs/app-attribution, which other clients have taken over
    x-claude-code-session-id   code.claude.com/docs/en/llm-gateway-protocol; older ones have it in `metadata.user_id`
    session-id, session_id     codex-rs/codex-api/src/requests/headers.rs in github.com/openai/codex
    traceparent                www.w3.org/TR/trace-context
"""

import re
from collections.abc import Mapping

import msgspec

APP_MAX, RUN_MAX, CLIENT_MAX = 200, 128, 64

_RUN_HEADERS = ("x-aihub-run", "x-claude-code-session-id", "session_id", "session-id")
_RUN = re.compile(rf"[!-~]{{1,{RUN_MAX}}}").fullmatch
# Version, trace id, parent id and flags; a version of the future may add more.
_TRACE = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?").fullmatch
_CLAUDE_SESSION = "_session_"


class Origin(msgspec.Struct, frozen=True):
    """What a request says of itself; None where it says nothing."""

    app: str | None = None
    run_id: str | None = None
    trace_id: str | None = None
    client: str | None = None


NOWHERE = Origin()


class _Metadata(msgspec.Struct):
    """Anthropic's `metadata`. Claude Code's user is `user_…_account_…_session_<id>`, or an object in a string."""

    user_id: str = ""


class _User(msgspec.Struct):
    session_id: str = ""


def origin_of(headers: Mapping[str, str], metadata: msgspec.Raw | None = None) -> Origin:
    """The origin of a request with these headers, whose names are in lower case, and this `metadata` in its body."""
    trace = headers.get("traceparent")
    found = _TRACE(trace) if trace is not None else None
    return Origin(
        app=_app(headers),
        run_id=_run(headers) or _session(metadata),
        trace_id=found[1] if found is not None else None,
        client=_client(headers.get("user-agent")),
    )


def _app(headers: Mapping[str, str]) -> str | None:
    """The app's DID, else its address without its query, which may contain secrets, else its title."""
    app = headers.get("x-aigne-hub-client-did")
    if app is None:
        referer = headers.get("http-referer")
        app = referer.partition("?")[0].partition("#")[0] if referer else headers.get("x-title")
    return _bounded(app, APP_MAX)


def _run(headers: Mapping[str, str]) -> str | None:
    for name in _RUN_HEADERS:
        value = headers.get(name)
        if value is not None and _RUN(value):
            return value
    return None


def _session(metadata: msgspec.Raw | None) -> str | None:
    """The session of Claude Code in the user's id of the `metadata`."""
    if metadata is None:
        return None
    try:
        user_id = msgspec.json.decode(metadata, type=_Metadata).user_id
        if user_id.startswith("{"):
            session = msgspec.json.decode(user_id, type=_User).session_id
        else:
            session = user_id.rpartition(_CLAUDE_SESSION)[2] if _CLAUDE_SESSION in user_id else ""
    except msgspec.DecodeError:
        return None
    return session if _RUN(session) else None


def _client(user_agent: str | None) -> str | None:
    """The first product, such as `claude-cli/2.0.1`."""
    return _bounded(user_agent.split(None, 1)[0], CLIENT_MAX) if user_agent and not user_agent.isspace() else None


def _bounded(text: str | None, length: int) -> str | None:
    """The text in one line and at most so long; None if nothing is left."""
    if text is None:
        return None
    if not text.isprintable():
        text = "".join(filter(str.isprintable, text))
    return text.strip()[:length] or None
