"""The actions that check a secret at its provider, by a small call that is charged to nobody.

The provider may ask the operator for a few tokens. A check never goes through the books of calls.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from domain.books.management_scopes import CredentialScope
from domain.catalog.catalog import Catalog
from domain.catalog.rows import Credential, ProviderRow
from domain.catalog.vendors import VENDORS
from domain.failures import Failure
from domain.management.provider_changes import credential_checked
from domain.model_api.call import Attempt, ModelCall, Target
from domain.model_api.embeddings import EmbeddingsRequest
from domain.model_api.events import Broken
from domain.model_api.operations import OPERATIONS, OperationName
from domain.model_api.requests import ChatRequest, Message, ModelRequest, Text
from domain.refusals import BadRequest, NotFound, ProviderFailed, Refusal, Remedy
from entrypoints.usecases.call_context import CallContext
from entrypoints.usecases.manage import providers
from entrypoints.usecases.manage.provider_actions import CredentialView, credential_view
from entrypoints.usecases.management_context import ActionContext, acting, row_of
from entrypoints.usecases.sealed_identities import credential_row

TEST_MODELS = {
    "openai": "gpt-4.1-nano",
    "anthropic": "claude-haiku-4-5",
    "bedrock": "us.amazon.nova-micro-v1:0",
    "google": "gemini-2.5-flash-lite",
    "deepseek": "deepseek-chat",
    "openrouter": "openai/gpt-4.1-nano",
    "xai": "grok-4-fast-non-reasoning",
    "doubao": "doubao-seed-1-6-flash-250828",
    "poe": "gpt-4.1-nano",
    "ollama": "llama3.2",
    "mistral": "mistral-small-latest",
    "cohere": "command-r7b-12-2024",
    "voyage": "voyage-3.5-lite",
}
"""A cheap model of each vendor, to check a secret with."""

_OUTPUT_TOKENS = 16  # The least that OpenAI's Responses API accepts.
_TEXT = "Hello, world!"
_EMBEDDINGS = "voyage"

_MODEL = Meta(description="the provider's model to call (a cheap one)")


class CheckCredential(msgspec.Struct, frozen=True, kw_only=True):
    """The credential to check."""

    id: Annotated[str, Meta(description="the id of the credential")]
    model: Annotated[str | None, _MODEL] = None


class TestCredential(msgspec.Struct, frozen=True, kw_only=True):
    """A secret to try before it is added; nothing is saved."""

    provider: Annotated[str, Meta(description="the name of the provider")]
    secret: Annotated[str, Meta(description="the secret itself")]
    model: Annotated[str | None, _MODEL] = None
    dialect: Annotated[str | None, Meta(description="the dialect of a provider that is not added yet")] = None
    base_url: Annotated[str | None, Meta(description="the URL of a provider that is not added yet")] = None
    region: Annotated[str | None, Meta(description="the region of a provider that is not added yet")] = None


class SecretWorks(msgspec.Struct, frozen=True, kw_only=True):
    """The provider answered a call with the secret."""

    provider: str
    model: str
    works: bool = True


async def check_credential(context: ActionContext, request: CheckCredential) -> CredentialView | Refusal:
    """The credential after the check, which is written to it; its provider's failure otherwise."""
    hub = context.hub
    if not isinstance(hub, CallContext):
        return _without_providers()
    rows = await hub.storage.catalog()
    credential = next((one for one in rows.credentials if one.id == request.id), None)
    if credential is None:
        return NotFound(kind="credential", name=request.id, remedy=Remedy("credential list"))
    provider = next(row for row in rows.providers if row.name == credential.provider)
    model = request.model or test_model(provider, rows.indexed())
    if isinstance(model, BadRequest):
        return model
    failure = await _tried(hub, provider, model, credential.id, credential.sealed)
    who = acting(context)
    outcome = await hub.storage.decide(
        CredentialScope(credential_id=credential.id),
        lambda known: credential_checked(known, who, request.id, failure),
    )
    row = row_of(outcome, Credential)
    if not isinstance(row, Credential):
        return row
    return _refused(provider.name, failure) if failure else credential_view(row)


async def test_credential(context: ActionContext, request: TestCredential) -> SecretWorks | Refusal:
    """Whether the provider answers a call with the secret."""
    hub = context.hub
    if not isinstance(hub, CallContext):
        return _without_providers()
    if (problem := providers.secret_problem(request.secret)) is not None:
        return problem
    rows = await hub.storage.catalog()
    provider = next((row for row in rows.providers if row.name == request.provider), None) or _not_added(hub, request)
    if not isinstance(provider, ProviderRow):
        return provider
    model = request.model or test_model(provider, rows.indexed())
    if isinstance(model, BadRequest):
        return model
    credential_id = hub.ids.new("cred")
    sealed = hub.vault.seal(request.secret.encode(), credential_row(credential_id))
    failure = await _tried(hub, provider, model, credential_id, sealed)
    if failure is not None:
        return _refused(provider.name, failure)
    return SecretWorks(provider=provider.name, model=model)


def _not_added(hub: CallContext, request: TestCredential) -> ProviderRow | BadRequest | NotFound:
    """The provider that the request describes, where the books have none of its name."""
    if request.provider not in VENDORS and not (request.dialect or request.base_url):
        return NotFound(kind="provider", name=request.provider, remedy=Remedy("provider add", request.provider))
    url = request.base_url
    if request.region is not None and url is None:
        url = providers.url_of_region(request.provider, request.region)
        if url is None:
            return providers.no_region(request.provider)
    described = providers.describe_provider(request.provider, request.dialect, url)
    if isinstance(described, BadRequest):
        return described
    dialect, base_url = described
    return ProviderRow(name=request.provider, dialect=dialect, base_url=base_url, created_ms=hub.clock.now_ms())


def test_model(provider: ProviderRow, catalog: Catalog) -> str | BadRequest:
    """A model to check the provider's secrets with: its vendor's cheap one, else the first that is sold."""
    if (known := TEST_MODELS.get(provider.name)) is not None:
        return known
    sold = sorted(model for name, model in catalog.rates if name == provider.name)
    return sold[0] if sold else BadRequest(field="model", problem=f"name a model of {provider.name} to call")


async def _tried(
    hub: CallContext, provider: ProviderRow, model: str, credential_id: str, sealed: bytes
) -> Failure | None:
    """The provider's failure to answer a small call; None if it answered."""
    operation: OperationName = "embeddings" if provider.dialect == _EMBEDDINGS else "chat"
    request = _request(operation, model)
    call = ModelCall(dialect="", operation=operation, model=model, fields={}, body_bytes=len(_TEXT))
    target = Target(
        provider=provider.name,
        dialect=OPERATIONS[operation].translated.get(provider.dialect, provider.dialect),
        base_url=provider.base_url,
        model=model,
        credential_id=credential_id,
        sealed=sealed,
    )
    attempt = Attempt(call_id=hub.ids.new("check"), target=target, timeout_ms=hub.upstream_timeout_ms)
    async with hub.providers.open(attempt, call, request) as opened:
        if isinstance(opened, Failure):
            return opened
        async for chunk in opened.chunks:
            if chunk.events and isinstance(last := chunk.events[-1], Broken):
                return last.failure
    return None


def _request(operation: OperationName, model: str) -> ModelRequest:
    if operation == "embeddings":
        return EmbeddingsRequest(model=model, inputs=(_TEXT,))
    message = Message(role="user", parts=(Text(text=_TEXT),))
    return ChatRequest(model=model, messages=(message,), output_tokens_max=_OUTPUT_TOKENS)


def _refused(provider: str, failure: Failure) -> BadRequest | ProviderFailed:
    """A rejected secret is the operator's, who is shown the provider's status and text."""
    if failure.kind == "credential_rejected":
        status = f" with status {failure.status}" if failure.status else ""
        return BadRequest(field="secret", problem=f"{provider} rejected it{status}: {failure.message}")
    return ProviderFailed(failure=failure, provider=provider)


def _without_providers() -> BadRequest:
    return BadRequest(field=None, problem="a secret can only be checked where the providers are known")
