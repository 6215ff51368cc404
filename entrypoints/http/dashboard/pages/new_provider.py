"""Adding a provider: a vendor is picked, its secret is tested, and only then both are saved."""

from collections.abc import Mapping
from typing import Any

import msgspec

from domain.catalog.vendors import DIALECTS, ECHO, VENDORS
from domain.refusals import BadRequest, Refusal
from entrypoints.actions.action import find_action
from entrypoints.http.dashboard.forms import Field, with_error
from entrypoints.http.dashboard.page import Redirect, View, Visitor
from entrypoints.http.errors import error_of
from entrypoints.http.management.requests import request_from
from entrypoints.http.wire import Request
from entrypoints.usecases.call_context import CallContext
from entrypoints.usecases.manage.configuration.rehearsal import rehearsing
from entrypoints.usecases.manage.credential_checks import TEST_MODELS, SecretWorks
from entrypoints.usecases.management_context import ActionContext

OTHER = "other"
# The fields that each action takes, by their names in the form.
_OF_PROVIDER = ("name", "dialect", "base_url", "display_name", "region", "priority", "weight")
_OF_TEST = {
    "name": "provider",
    "dialect": "dialect",
    "base_url": "base_url",
    "region": "region",
    "secret": "secret",
    "test_model": "model",
}
_OF_CREDENTIAL = {"name": "provider", "secret": "secret", "secret_name": "name"}


_FIELDS = (
    Field(name="name", kind="text", hint="how models name it: name/model", required=True),
    Field(name="dialect", kind="select", hint="what it speaks", required=True, options=DIALECTS, value="openai"),
    Field(name="base_url", kind="text", hint="what the paths of its API follow", required=False),
    Field(name="region", kind="text", hint="of the vendor's servers", required=False, placeholder="us-east-1"),
    Field(name="secret", kind="secret", hint="its API key, which is sealed and never shown again", required=False),
    Field(name="secret_name", kind="text", hint="what to call the secret", required=False),
    Field(name="test_model", kind="text", hint="the model that the test calls", required=False),
    Field(name="display_name", kind="text", hint="what people see", required=False),
    Field(
        name="priority",
        kind="number",
        hint="lower numbers are tried first for a bare model",
        required=False,
        placeholder="0",
    ),
    Field(
        name="weight",
        kind="number",
        hint="its share of the calls among providers of one priority",
        required=False,
        placeholder="1",
    ),
)


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """A vendor that can be picked."""

    name: str
    dialect: str
    base_url: str
    is_added: bool


async def new_provider_page(hub: CallContext, visitor: Visitor, request: Request) -> View:
    """`GET /dashboard/providers/new`: the vendors, or the form of the one that was picked."""
    vendor = request.query_value("vendor")
    if vendor is None:
        added = (await hub.current_catalog()).providers
        vendors = [
            Choice(name=one.name, dialect=one.dialect, base_url=one.base_url, is_added=one.name in added)
            for one in sorted(VENDORS.values(), key=lambda one: one.name)
            if one.name != ECHO.name
        ]
        return View(template="vendors.html", title="Add provider", values={"vendors": vendors, "other": OTHER})
    return _form(_fields(vendor, {"name": vendor} if vendor in VENDORS else {}), vendor)


async def save_provider(
    hub: CallContext, visitor: Visitor, request: Request, sent: Mapping[str, str]
) -> View | Redirect | Refusal:
    """`POST /dashboard/providers/new`: test the secret, or save the provider with it."""
    vendor = sent.get("vendor", OTHER)
    fields = _fields(vendor, sent)
    given = {name: text.strip() for name, text in sent.items() if text.strip()}
    has_secret, context = "secret" in given, visitor.acting(hub)
    if has_secret and (sent.get("do") == "test" or "untested" not in given):
        tested = await _act(
            context, visitor, "credential test", {_OF_TEST[name]: given[name] for name in _OF_TEST if name in given}
        )
        if not isinstance(tested, SecretWorks):
            return _refused(fields, vendor, tested, _OF_TEST)
        if sent.get("do") == "test":
            return _form(fields, vendor, works=tested)
    elif sent.get("do") == "test":
        return _refused(fields, vendor, BadRequest(field="secret", problem="Enter the secret to test."), _OF_TEST)
    for books in (await rehearsing(context), context):  # On a copy first, so a credential that is refused adds nothing.
        added = await _act(
            books, visitor, "provider add", {name: given[name] for name in _OF_PROVIDER if name in given}
        )
        if isinstance(added, Refusal):
            return _refused(fields, vendor, added, {})
        if has_secret:
            values = {_OF_CREDENTIAL[name]: given[name] for name in _OF_CREDENTIAL if name in given}
            kept = await _act(books, visitor, "credential add", values)
            if isinstance(kept, Refusal):
                return _refused(fields, vendor, kept, _OF_CREDENTIAL)
    return Redirect("/dashboard/providers?done=provider-add")


async def _act(context: ActionContext, visitor: Visitor, name: str, values: Mapping[str, Any]) -> Any:
    action = find_action(name)
    assert action is not None
    if (refusal := visitor.refusal(action.permission)) is not None:
        return refusal
    made = request_from(action, dict(values), context.hub.clock.now_ms())
    return made if isinstance(made, BadRequest) else await action.handler(context, made)


def _fields(vendor: str, sent: Mapping[str, str]) -> list[Field]:
    known = VENDORS.get(vendor)
    if known is None:
        particular = {"base_url": {"required": True, "placeholder": "http://127.0.0.1:11434/v1"}}
        left_out = {"region"}
    else:
        particular = {
            "name": {"fixed": True},
            "base_url": {"required": known.has_own_url, "placeholder": known.base_url},
            "secret": {"required": known.needs_credential},
            "test_model": {"placeholder": TEST_MODELS.get(vendor, "")},
        }
        left_out = {"dialect"} if _has_regions(known.base_url) else {"dialect", "region"}
    fields = [
        msgspec.structs.replace(one, **particular.get(one.name, {})) for one in _FIELDS if one.name not in left_out
    ]
    return [
        msgspec.structs.replace(field, value=sent.get(field.name, field.value)) if field.kind != "secret" else field
        for field in fields
    ]


def _has_regions(base_url: str) -> bool:
    return "us-east-1" in base_url


def _refused(fields: list[Field], vendor: str, refusal: Any, names: Mapping[str, str]) -> View:
    """The form with the error at its field; `names` are the fields' names in the action."""
    error = error_of(refusal)
    if isinstance(refusal, BadRequest):
        field = next((name for name, other in names.items() if other == refusal.field), refusal.field)
        if any(one.name == field for one in fields):
            problem = refusal.problem[:1].upper() + refusal.problem[1:]
            return _form(with_error(fields, field, problem), vendor, status=error.status)
    return _form(fields, vendor, error.message, error.status)


def _form(
    fields: list[Field], vendor: str, error: str = "", status: int = 200, works: SecretWorks | None = None
) -> View:
    basic = ("name", "dialect", "base_url", "region", "secret")
    main = [
        field
        for field in fields
        if field.name in basic and (field.required or field.value or field.error or field.name in ("dialect", "secret"))
    ]
    values = {
        "main": main,
        "more": [field for field in fields if field not in main],
        "vendor": vendor,
        "error": error,
        "works": works,
    }
    title = f"Add {vendor}" if vendor in VENDORS else "Add a provider"
    return View(template="new_provider.html", title=title, values=values, status=status)
