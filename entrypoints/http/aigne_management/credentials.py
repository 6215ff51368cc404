"""AIGNE's routes of credentials: added, changed, and checked by small calls to their providers."""

from collections.abc import Mapping
from typing import Any

from domain.catalog.rows import Credential
from domain.refusals import BadRequest, NotFound, Refusal
from entrypoints.http.aigne_management.access import Problem, Visit, problem_of, wrong
from entrypoints.http.aigne_management.values import body_of, iso, text_of, unknown_field
from entrypoints.usecases.manage import credential_checks, provider_actions, provider_changes, providers
from entrypoints.usecases.manage.provider_actions import NEVER_USED, CredentialUsage

_PAIR = ("access_key_id", "secret_access_key")


_TYPES = ("api_key", "access_key_pair", "custom")


async def create_credential(visit: Visit) -> Any:
    """`POST …/credentials`: checked by a small call, then added."""
    secret = _secret_of(visit)
    if isinstance(secret, Refusal):
        return secret
    value, body = secret
    name, weight = text_of(body, "name", 100), body.get("weight", providers.WEIGHT)
    if isinstance(name, BadRequest) or not name:
        return name if isinstance(name, BadRequest) else wrong("name", "The field is missing.")
    if isinstance(weight, bool) or not isinstance(weight, int):
        return wrong("weight", "Write a whole number.")
    provider = visit.request.path_values["provider"]
    tested = await _tested(visit, provider, value, body)
    if isinstance(tested, Refusal):
        return tested
    made = await provider_actions.add_credential(
        visit.acting, provider_actions.AddCredential(provider=provider, secret=value, name=name, weight=weight)
    )
    return made if isinstance(made, Refusal) else await _credential(visit, made.id)


async def change_credential(visit: Visit) -> Any:
    """`PUT …/credentials/{cid}`: the name, the weight, the secret, or any of them; a new secret is checked first."""
    body = body_of(visit.request)
    if isinstance(body, BadRequest):
        return body
    known = ("name", "weight", "value", "credentialType", "testModel", "active")
    if (unknown := unknown_field(body, known)) is not None:
        return unknown
    found = await _named(visit)
    if isinstance(found, NotFound):
        return found
    name, weight, value = text_of(body, "name", 100), body.get("weight"), None
    if isinstance(name, BadRequest):
        return name
    if weight is not None and (isinstance(weight, bool) or not isinstance(weight, int)):
        return wrong("weight", "Write a whole number.")
    if body.get("value") is not None:
        secret = _secret_of(visit)
        if isinstance(secret, Refusal):
            return secret
        value = secret[0]
        tested = await _tested(visit, found.provider, value, body)
        if isinstance(tested, Refusal):
            return tested
    changed = await provider_changes.change_credential(
        visit.acting, provider_changes.ChangeCredential(id=found.id, name=name, weight=weight, secret=value)
    )
    return changed if isinstance(changed, Refusal) else await _credential(visit, found.id)


async def delete_credential(visit: Visit) -> Any:
    """`DELETE …/credentials/{cid}`."""
    found = await _named(visit)
    if isinstance(found, NotFound):
        return found
    removed = await provider_actions.remove_credential(visit.acting, provider_actions.NamedCredential(id=found.id))
    return removed if isinstance(removed, Refusal) else {"message": "Credential deleted successfully"}


async def test_credential(visit: Visit) -> Any:
    """`POST …/credentials/test`: a small call with the given secret; nothing is saved."""
    secret = _secret_of(visit)
    if isinstance(secret, Refusal):
        return secret
    tested = await _tested(visit, visit.request.path_values["provider"], *secret)
    return {"success": True} if tested is None else _invalid(tested)


async def check_credential(visit: Visit) -> Any:
    """`GET` and `POST …/credentials/{cid}/check`: a small call with the stored secret, whose outcome is kept."""
    found = await _named(visit)
    if isinstance(found, NotFound):
        return found
    model = visit.request.query_value("testModel")
    checked = await credential_checks.check_credential(
        visit.acting, credential_checks.CheckCredential(id=found.id, model=model)
    )
    return _invalid(checked) if isinstance(checked, Refusal) else await _credential(visit, found.id)


async def health(visit: Visit) -> Any:
    """`GET /api/ai-providers/health`: which credentials are in use, by provider; two of one name stay two."""
    rows = await visit.acting.hub.storage.catalog()
    running: dict[str, dict[str, Any]] = {row.name: {} for row in rows.providers}
    for credential in rows.credentials:
        of_provider = running[credential.provider]
        label = credential.name or credential.id
        label = label if label not in of_provider else f"{label} ({credential.id})"
        of_provider[label] = {"running": credential.active}
    return {"providers": running, "timestamp": iso(visit.acting.hub.clock.now_ms())}


async def test_models(visit: Visit) -> Any:
    """`GET /api/ai-providers/test-models`: the model that a secret is checked with, by provider."""
    return dict(credential_checks.TEST_MODELS)


async def test_all(visit: Visit) -> Any:
    """`POST /api/ai-providers/test-models`: every credential is checked, of all providers or of `providerId`."""
    requested = visit.request.query_value("providerId")
    wanted = set(requested.split(",")) if requested else None
    rows = await visit.acting.hub.storage.catalog()
    chosen = [one for one in rows.credentials if wanted is None or one.provider in wanted]
    if not chosen:
        return {"error": "No providers found"}
    outcomes = []
    for credential in chosen:
        checked = await credential_checks.check_credential(
            visit.acting, credential_checks.CheckCredential(id=credential.id)
        )
        works = not isinstance(checked, Refusal)
        outcomes.append({"id": credential.id, "providerId": credential.provider, "available": works})
    return {"message": "syncing models...", "checked": outcomes}


def credential_view(row: Credential, used: CredentialUsage = NEVER_USED) -> dict[str, Any]:
    """A credential as AIGNE's admins see it: never more of a secret than its mask."""
    is_pair = row.masked.startswith("AKIA")
    return {
        "id": row.id,
        "providerId": row.provider,
        "name": row.name,
        "credentialValue": {},
        "credentialType": "access_key_pair" if is_pair else "api_key",
        "active": row.active,
        "lastUsedAt": None if used.last_ms is None else iso(used.last_ms),
        "usageCount": used.uses,
        "error": row.error,
        "weight": row.weight,
        "createdAt": iso(row.created_ms),
        "updatedAt": iso(row.error_ms or row.created_ms),
        "displayText": row.masked,
        "maskedValue": {"api_key": row.masked},
    }


def _secret_of(visit: Visit) -> tuple[str, dict[str, Any]] | BadRequest:
    """The secret in the body as the hub keeps it, and the body. A pair of AWS keys is one text."""
    body = body_of(visit.request)
    if isinstance(body, BadRequest):
        return body
    if (kind := body.get("credentialType", "api_key")) not in _TYPES:
        return wrong("credentialType", f"Write one of {', '.join(_TYPES)}.")
    value = body.get("value")
    if isinstance(value, str) and value:
        return value, body
    if not isinstance(value, dict):
        return wrong("value", "Write the secret, or an object with it.")
    if kind == "access_key_pair":
        parts = [value.get(name) for name in _PAIR]
        if not all(isinstance(part, str) and part for part in parts):
            return wrong("value", "Write access_key_id and secret_access_key.")
        return ":".join(map(str, parts)), body
    secret = value.get("api_key")
    if not isinstance(secret, str) or not secret:
        return wrong("value.api_key", "The field is missing.")
    return secret, body


async def _tested(visit: Visit, provider: str, secret: str, body: Mapping[str, Any]) -> Refusal | None:
    model = text_of(body, "testModel", 100)
    if isinstance(model, BadRequest):
        return model
    tested = await credential_checks.test_credential(
        visit.acting, credential_checks.TestCredential(provider=provider, secret=secret, model=model or None)
    )
    return tested if isinstance(tested, Refusal) else None


def _invalid(refusal: Refusal) -> Any:
    """A failed check as AIGNE reports it; what does not exist is not a failed check."""
    if isinstance(refusal, NotFound):
        return refusal
    return Problem(400, "Invalid credentials", {"detail": problem_of(refusal).error})


async def _named(visit: Visit) -> Credential | NotFound:
    """The credential of the path, which must be of the provider of the path."""
    provider, credential_id = (visit.request.path_values[name] for name in ("provider", "credential"))
    for credential in await providers.credentials(visit.acting.hub.storage):
        if (credential.id, credential.provider) == (credential_id, provider):
            return credential
    return NotFound(kind="credential", name=credential_id)


async def _credential(visit: Visit, credential_id: str) -> Any:
    rows = await providers.credentials(visit.acting.hub.storage)
    missing = NotFound(kind="credential", name=credential_id)
    return next((credential_view(row) for row in rows if row.id == credential_id), missing)
