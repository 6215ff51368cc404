"""The table of AIGNE's management routes. `/api/ai` is another name for `/api/ai-providers`."""

from domain.accounts.permissions import Permission
from entrypoints.http.aigne_management import bulk, credentials, providers, rate_views, rates
from entrypoints.http.aigne_management.access import Act, admins, users
from entrypoints.http.aigne_management.catalogues import catalogue_handler, chat_models_handler
from entrypoints.http.wire import Route
from entrypoints.usecases.call_context import CallContext

_PREFIXES = ("/api/ai-providers", "/api/ai")
_SEE: Permission = "see models"
_MANAGE: Permission = "manage models"

_PROVIDER = "/{provider}"
_CREDENTIALS = "/{provider}/credentials"
_CREDENTIAL = "/{provider}/credentials/{credential}"
_RATES = "/{provider}/model-rates"
_RATE = "/{provider}/model-rates/{rate}"

FOR_ADMINS: tuple[tuple[str, str, Permission, Act], ...] = (
    ("POST", "", _MANAGE, providers.create_provider),
    ("PUT", _PROVIDER, _MANAGE, providers.change_provider),
    ("DELETE", _PROVIDER, _MANAGE, providers.delete_provider),
    ("POST", _CREDENTIALS, _MANAGE, credentials.create_credential),
    ("POST", f"{_CREDENTIALS}/test", _MANAGE, credentials.test_credential),
    ("PUT", _CREDENTIAL, _MANAGE, credentials.change_credential),
    ("DELETE", _CREDENTIAL, _MANAGE, credentials.delete_credential),
    ("GET", f"{_CREDENTIAL}/check", _MANAGE, credentials.check_credential),
    ("POST", f"{_CREDENTIAL}/check", _MANAGE, credentials.check_credential),
    ("GET", "/health", _SEE, credentials.health),
    ("GET", "/test-models", _SEE, credentials.test_models),
    ("POST", "/test-models", _MANAGE, credentials.test_all),
    ("POST", _RATES, _MANAGE, rates.create_rate),
    ("POST", "/model-rates", _MANAGE, rates.create_rates),
    ("PUT", _RATE, _MANAGE, rates.change_rate),
    ("DELETE", _RATE, _MANAGE, rates.delete_rate),
    ("GET", f"{_RATE}/history", _SEE, rate_views.history),
    ("POST", "/bulk-rate-update", _MANAGE, bulk.bulk_rate_update),
    ("POST", "/trigger-rate-check", _MANAGE, bulk.trigger_rate_check),
)
FOR_USERS: tuple[tuple[str, str, Act], ...] = (
    ("GET", "", providers.list_providers),
    ("GET", _RATES, rates.list_of_provider),
    ("GET", "/model-rates", rates.list_all),
)


def aigne_management_routes(hub: CallContext) -> tuple[Route, ...]:
    """AIGNE's routes of providers, rates and catalogues."""
    return tuple(route for prefix in _PREFIXES for route in _under(hub, prefix))


def _under(hub: CallContext, prefix: str) -> tuple[Route, ...]:
    return (
        *(
            Route(method=method, template=prefix + template, handler=admins(hub, permission, act))
            for method, template, permission, act in FOR_ADMINS
        ),
        *(
            Route(method=method, template=prefix + template, handler=users(hub, act))
            for method, template, act in FOR_USERS
        ),
        Route(method="GET", template=f"{prefix}/models", handler=catalogue_handler(hub)),
        Route(method="GET", template=f"{prefix}/chat/models", handler=chat_models_handler(hub)),
    )
