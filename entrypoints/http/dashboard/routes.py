"""The dashboard's rows of the route table. All are under `/dashboard`, and need a session but for signing in."""

from collections.abc import Iterable

from entrypoints.http.dashboard.action_pages import action_page, carry_out, index_page
from entrypoints.http.dashboard.page import form_handler, page_handler
from entrypoints.http.dashboard.pages.accounts import user_page, users_page
from entrypoints.http.dashboard.pages.audit import audit_csv, audit_page
from entrypoints.http.dashboard.pages.call import call_page
from entrypoints.http.dashboard.pages.calls import calls_csv, calls_page
from entrypoints.http.dashboard.pages.hub import help_page, settings_page
from entrypoints.http.dashboard.pages.keys import keys_page, make_key, new_key_page
from entrypoints.http.dashboard.pages.limits import limits_page
from entrypoints.http.dashboard.pages.margin import margin_csv, margin_page
from entrypoints.http.dashboard.pages.models import models_page, providers_page, routing_page
from entrypoints.http.dashboard.pages.new_provider import new_provider_page, save_provider
from entrypoints.http.dashboard.pages.overview import overview_page
from entrypoints.http.dashboard.pages.playground import playground_page
from entrypoints.http.dashboard.pages.usage import usage_csv, usage_page
from entrypoints.http.dashboard.playground_calls import relay_routes
from entrypoints.http.dashboard.sign_in import link_page, sign_in, sign_in_page, sign_out, use_sign_in_link
from entrypoints.http.dashboard.sign_in_attempts import SignInAttempts
from entrypoints.http.dashboard.static_files import TEMPLATE, static_handler
from entrypoints.http.wire import Route
from entrypoints.usecases.call_context import CallContext

ROOT = "/dashboard"


def dashboard_routes(hub: CallContext, table: Iterable[Route]) -> tuple[Route, ...]:
    """The routes of the dashboard; `table` has those of the API, which the playground calls."""
    attempts = SignInAttempts()
    pages = {
        "": page_handler(hub, overview_page),
        "/playground": page_handler(hub, playground_page),
        "/usage": page_handler(hub, usage_page),
        "/usage.csv": page_handler(hub, usage_csv),
        "/calls": page_handler(hub, calls_page),
        "/calls.csv": page_handler(hub, calls_csv),
        "/calls/{id}": page_handler(hub, call_page),
        "/keys": page_handler(hub, keys_page),
        "/keys/new": page_handler(hub, new_key_page, "manage accounts"),
        "/users": page_handler(hub, users_page, "see accounts"),
        "/users/{name:path}": page_handler(hub, user_page, "see accounts"),
        "/providers": page_handler(hub, providers_page, "see models"),
        "/providers/new": page_handler(hub, new_provider_page, "manage models"),
        "/models": page_handler(hub, models_page, "see models"),
        "/models/margin": page_handler(hub, margin_page, "manage models"),
        "/models/margin.csv": page_handler(hub, margin_csv, "manage models"),
        "/routing": page_handler(hub, routing_page, "see routes"),
        "/limits": page_handler(hub, limits_page, "see accounts"),
        "/audit": page_handler(hub, audit_page, "see accounts"),
        "/audit.csv": page_handler(hub, audit_csv, "see accounts"),
        "/settings": page_handler(hub, settings_page, "see accounts"),
        "/help": page_handler(hub, help_page),
        "/actions": page_handler(hub, index_page, "see accounts"),
        "/actions/{action}": page_handler(hub, action_page),
    }
    forms = {
        "/keys/new": form_handler(hub, make_key, "manage accounts"),
        "/providers/new": form_handler(hub, save_provider, "manage models"),
        "/actions/{action}": form_handler(hub, carry_out),
    }
    return (
        *(Route(method="GET", template=f"{ROOT}{path}", handler=handler) for path, handler in pages.items()),
        *(Route(method="POST", template=f"{ROOT}{path}", handler=handler) for path, handler in forms.items()),
        Route(method="GET", template=f"{ROOT}/sign-in", handler=sign_in_page(hub)),
        Route(method="POST", template=f"{ROOT}/sign-in", handler=sign_in(hub, attempts)),
        Route(method="GET", template=f"{ROOT}/sign-in/{{link}}", handler=link_page(hub)),
        Route(method="POST", template=f"{ROOT}/sign-in/{{link}}", handler=use_sign_in_link(hub, attempts)),
        Route(method="POST", template=f"{ROOT}/sign-out", handler=sign_out(hub)),
        *relay_routes(hub, table),
        Route(method="GET", template=TEMPLATE, handler=static_handler),
    )
