"""The pages of any action of the table: its form, what it will do, and its reply.

An action that only reads is carried out by GET, one that changes by POST with the session's token.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

import msgspec

from domain.refusals import BadRequest, NotFound, Refusal
from entrypoints.actions import NOUNS
from entrypoints.actions.action import Action, every_action
from entrypoints.actions.paths import ONLY_COMMANDS
from entrypoints.http.dashboard.forms import Field, fields_of_form, given_fields, with_error
from entrypoints.http.dashboard.page import (
    Redirect,
    View,
    Visitor,
)
from entrypoints.http.dashboard.rendering import text_of
from entrypoints.http.dashboard.suggestions import suggestions_for
from entrypoints.http.errors import error_of
from entrypoints.http.management.requests import request_from
from entrypoints.http.wire import Request
from entrypoints.usecases.call_context import CallContext

PREFIX = "/dashboard/actions"
# Verbs that take something away: their button is marked, and their form states what they will do.
TAKING = frozenset(("remove", "revoke", "disable", "void", "stop"))
# Where a visitor goes after a change, by the noun of the action.
HOMES: Mapping[str, str] = {
    "user": "/dashboard/users",
    "credit": "/dashboard/users",
    "grant": "/dashboard/users",
    "key": "/dashboard/keys",
    "provider": "/dashboard/providers",
    "credential": "/dashboard/providers",
    "rate": "/dashboard/models",
    "alias": "/dashboard/routing",
}


def offered() -> dict[str, Action[Any, Any]]:
    """The actions that have pages, by the name in their path."""
    table = every_action().items()
    return {name.replace(" ", "-"): one for name, one in table if name not in ONLY_COMMANDS and not one.is_streamed}


def path_of(action: str, /, **values: str) -> str:
    """The path of an action's page, with the values that its form begins with."""
    path = f"{PREFIX}/{action.replace(' ', '-')}"
    return f"{path}?{urlencode(values, quote_via=quote)}" if values else path


async def index_page(hub: CallContext, visitor: Visitor, request: Request) -> View:
    """Every action that the visitor may carry out, by noun."""
    groups: dict[str, list[Action[Any, Any]]] = {}
    for action in offered().values():
        if visitor.may(action.permission):
            groups.setdefault(action.name.partition(" ")[0], []).append(action)
    nouns = [(noun, NOUNS[noun].meaning, actions) for noun, actions in groups.items()]
    return View(template="actions.html", title="All actions", values={"nouns": nouns, "path_of": path_of})


async def action_page(hub: CallContext, visitor: Visitor, request: Request) -> View | Redirect | Refusal:
    """`GET`: the form of an action; the reply as well if it only reads and has all that it needs."""
    action = offered().get(request.path_values["action"])
    if action is None:
        return NotFound(kind="action", name=request.path_values["action"])
    if (refusal := visitor.refusal(action.permission)) is not None:
        return refusal
    sent = dict(parse_qsl(request.query, keep_blank_values=True))
    fields = await _fields(hub, visitor, action, sent)
    if action.is_change or any(field.required and not sent.get(field.name) for field in fields):
        return _form_view(action, fields, sent)
    outcome = await _carried_out(hub, visitor, action, fields, sent)
    if isinstance(outcome, View):
        return outcome
    return _form_view(action, fields, sent, reply=outcome)


async def carry_out(
    hub: CallContext, visitor: Visitor, request: Request, sent: Mapping[str, str]
) -> View | Redirect | Refusal:
    """`POST`: carry an action out."""
    action = offered().get(request.path_values["action"])
    if action is None:
        return NotFound(kind="action", name=request.path_values["action"])
    if (refusal := visitor.refusal(action.permission)) is not None:
        return refusal
    fields = await _fields(hub, visitor, action, sent)
    outcome = await _carried_out(hub, visitor, action, fields, sent)
    if isinstance(outcome, View):
        return outcome
    noun = action.name.partition(" ")[0]
    if noun in HOMES and not sent.get("dry_run") and not hasattr(outcome, "key"):
        return Redirect(f"{HOMES[noun]}?done={request.path_values['action']}")
    values = {"action": action, "reply": outcome, "home": HOMES.get(noun, PREFIX), "home_label": _home_label(noun)}
    return View(template="result.html", title=_title(action), values=values)


async def _carried_out(
    hub: CallContext, visitor: Visitor, action: Action[Any, Any], fields: list[Field], sent: Mapping[str, str]
) -> Any:
    """The reply of the action; a view of its form with the error where it was refused."""
    values, documents = given_fields(fields, sent)
    if isinstance(values, str):
        return _form_view(action, with_error(fields, values, str(documents)), sent, status=400)
    request = request_from(action, values, hub.clock.now_ms(), json_fields=documents)
    reply = request if isinstance(request, BadRequest) else await action.handler(visitor.acting(hub), request)
    if not isinstance(reply, Refusal):
        return reply
    error = error_of(reply)
    if isinstance(reply, BadRequest) and any(field.name == reply.field for field in fields):
        return _form_view(action, with_error(fields, reply.field, _capital(reply.problem)), sent, status=error.status)
    return _form_view(action, fields, sent, error=error.message, status=error.status)


async def _fields(hub: CallContext, visitor: Visitor, action: Action[Any, Any], sent: Mapping[str, str]) -> list[Field]:
    """The fields of the form, filled with what the thing has now where the action changes it."""
    named = next((each.field for each in action.arguments if not each.word.startswith("-")), None)
    before = await _before(hub, visitor, action, named, sent)
    fixed = named if action.name.partition(" ")[2] not in ("add", "create") else None
    suggestions = await suggestions_for(hub, action)
    return fields_of_form(action, sent, before, fixed, suggestions)


async def _before(
    hub: CallContext, visitor: Visitor, action: Action[Any, Any], named: str | None, sent: Mapping[str, str]
) -> dict[str, str]:
    """What the thing has now, by field: from the action that shows a thing of the same noun."""
    noun, _, verb = action.name.partition(" ")
    shows = offered().get(f"{noun}-show")
    if verb not in ("change", "set") or named is None or not sent.get(named) or shows is None:
        return {}
    request = request_from(shows, {named: sent[named]}, hub.clock.now_ms())
    shown = request if isinstance(request, BadRequest) else await shows.handler(visitor.acting(hub), request)
    row = shown[-1] if isinstance(shown, list) and shown else shown
    if isinstance(row, Refusal) or not isinstance(row, msgspec.Struct):
        return {}
    names = {field.encode_name: field.name for field in msgspec.structs.fields(row)}
    wanted = [field.encode_name for field in msgspec.structs.fields(action.request)]
    return {name: _as_text(getattr(row, names[name])) for name in wanted if name in names}


def _as_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, (tuple, list)):
        return "\n".join(_target(one) if isinstance(one, msgspec.Struct) else str(one) for one in value)
    return "" if isinstance(value, msgspec.Struct) else text_of(value)


def _target(row: msgspec.Struct) -> str:
    """A target of an alias as its form takes it; nothing for a struct of another kind."""
    model, priority, weight = (getattr(row, name, None) for name in ("model", "priority", "weight"))
    return "" if model is None else f"{model}@{priority}*{weight}"


def _form_view(
    action: Action[Any, Any],
    fields: Sequence[Field],
    sent: Mapping[str, str],
    error: str = "",
    status: int = 200,
    reply: Any = None,
) -> View:
    noun, _, verb = action.name.partition(" ")
    main = [field for field in fields if field.required or field.value or field.error or len(fields) <= 8]
    values = {
        "action": action,
        "main": main,
        "more": [field for field in fields if field not in main],
        "error": error,
        "reply": reply,
        "is_taking": verb in TAKING,
        "address": path_of(action.name),
        "home": HOMES.get(noun, PREFIX),
        "home_label": _home_label(noun),
    }
    return View(template="form.html", title=_title(action), values=values, status=status)


def _home_label(noun: str) -> str:
    return {"credit": "users", "grant": "users", "credential": "providers", "rate": "models", "alias": "routing"}.get(
        noun, f"{noun}s" if noun in HOMES else "all actions"
    )


def _title(action: Action[Any, Any]) -> str:
    noun, _, verb = action.name.partition(" ")
    return _capital(f"{verb} {noun}" if verb else noun).replace("-", " ")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def done_text(request: Request) -> str:
    """What was done just now, as the page's address reports it; empty if nothing was."""
    action = offered().get(request.query_value("done") or "")
    return f"Done: {action.meaning}." if action is not None else ""
