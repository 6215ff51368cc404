"""The table of routes: the only place that states which handler serves a path."""

from collections.abc import Callable

from entrypoints.http.aigne_management.routes import aigne_management_routes
from entrypoints.http.aigne_management.user_routes import aigne_user_routes
from entrypoints.http.api.index import index_handler
from entrypoints.http.api.metrics import metrics_handler
from entrypoints.http.api.models_and_health import (
    balance_handler,
    healthz,
    kept_response,
    model_handler,
    models_handler,
    readyz,
)
from entrypoints.http.api.quotes import quote_handler
from entrypoints.http.api.routing import route_handler
from entrypoints.http.dashboard.routes import dashboard_routes
from entrypoints.http.dialects.aigne.discovery import blocklet_handler, plain_status_handler, status_handler
from entrypoints.http.dialects.aigne.images import image_handler
from entrypoints.http.dialects.aigne.video import video_handler
from entrypoints.http.dialects.anthropic.count_tokens import count_tokens_handler
from entrypoints.http.dialects.azure_paths import deployment_handler
from entrypoints.http.dialects.google.handler import model_method_handler
from entrypoints.http.dialects.openai_responses.count_tokens import input_tokens_handler
from entrypoints.http.management.routes import management_routes
from entrypoints.http.model_routes import CALLED, QUOTED, model_handlers
from entrypoints.http.not_offered import SURFACE_HEADS
from entrypoints.http.openrouter_keys.routes import openrouter_key_routes
from entrypoints.http.path_aliases import canonical_paths
from entrypoints.http.wire import Handler, Route
from entrypoints.usecases.call_context import CallContext


def routes(hub: CallContext) -> tuple[Route, ...]:
    """Every route of the hub."""
    table = _without_dashboard(hub)
    return _with_index((*table, *dashboard_routes(hub, table)))


def served_routes(hub: CallContext) -> tuple[Route, ...]:
    """The routes that the operator's settings permit: AIHUB_DASHBOARD=off removes those of the dashboard."""
    return routes(hub) if hub.dashboard else _with_index(_without_dashboard(hub))


def _with_index(table: tuple[Route, ...]) -> tuple[Route, ...]:
    return (*table, Route(method="GET", template="/", handler=index_handler(table)))


def _without_dashboard(hub: CallContext) -> tuple[Route, ...]:
    called = model_handlers(hub)
    azure = deployment_handler({template: called[template] for template in CALLED})
    methods = model_method_handler(hub)
    return (
        *(
            Route(method="POST", template=template, handler=handler, spends=True)
            for template, handler in called.items()
        ),
        Route(method="POST", template="/openai/deployments/{deployment:path}", handler=azure, spends=True),
        Route(method="POST", template="/api/v2/image", handler=image_handler(hub), spends=True),
        Route(method="POST", template="/api/v2/video", handler=video_handler(hub), spends=True),
        Route(method="GET", template="/v1/responses/{response}", handler=kept_response(hub)),
        Route(method="DELETE", template="/v1/responses/{response}", handler=kept_response(hub)),
        Route(method="POST", template="/v1/messages/count_tokens", handler=count_tokens_handler(hub)),
        Route(method="POST", template="/v1/responses/input_tokens", handler=input_tokens_handler(hub)),
        Route(method="POST", template="/v1/quote", handler=quote_handler(hub, QUOTED)),
        *(
            Route(method="POST", template=f"/{version}/models/{{model:path}}", handler=methods, spends=True)
            for version in ("v1beta", "v1")
        ),
        Route(method="GET", template="/v1beta/models", handler=models_handler(hub)),
        Route(method="GET", template="/v1beta/models/{model:path}", handler=model_handler(hub)),
        Route(method="GET", template="/v1/models", handler=models_handler(hub)),
        Route(method="GET", template="/v1/models/{model:path}", handler=model_handler(hub)),
        Route(method="GET", template="/api/route/{model:path}", handler=route_handler(hub)),
        Route(method="GET", template="/api/v2/status", handler=status_handler(hub)),
        Route(method="GET", template="/api/v1/status", handler=plain_status_handler(hub)),
        *aigne_management_routes(hub),
        *aigne_user_routes(hub),
        Route(method="GET", template="/api/user/credit/balance", handler=balance_handler(hub)),
        Route(method="GET", template="/__blocklet__.js", handler=blocklet_handler()),
        *management_routes(hub),
        *openrouter_key_routes(hub),
        Route(method="GET", template="/metrics", handler=metrics_handler(hub)),
        Route(method="GET", template="/healthz", handler=healthz(hub)),
        Route(method="GET", template="/readyz", handler=readyz(hub)),
    )


def canonical_path(table: tuple[Route, ...]) -> Callable[[str], str]:
    """The function from a path as written to the path in the table."""
    return canonical_paths((route.template for route in table), SURFACE_HEADS)


def by_template(table: tuple[Route, ...]) -> dict[str, dict[str, Handler]]:
    """The handlers of each template by method, as Falcon wants its resources; each GET has a HEAD as well."""
    resources: dict[str, dict[str, Handler]] = {}
    for route in table:
        handlers = resources.setdefault(route.template, {})
        handlers[route.method] = route.handler
        if route.method == "GET":
            handlers["HEAD"] = route.handler
    return resources
