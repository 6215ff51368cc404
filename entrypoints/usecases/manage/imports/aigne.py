"""The configuration of an AIGNE Hub as a document of ours: pure, from the rows of its tables.

Its rates are credits for one token, image or second, kept at ten decimals. One provider of a vendor is all that it has.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

from domain.catalog.vendors import VENDORS
from entrypoints.usecases.manage.configuration.items import label
from entrypoints.usecases.manage.imports.amounts import exact
from entrypoints.usecases.manage.imports.leftovers import Leftovers
from entrypoints.usecases.manage.providers import url_of_region
from ports.aigne import ForeignRow

SOURCE = "aigne"
_WEIGHT_MAX = 1_000_000
# By type of a rate: the units that its `inputRate` and its `outputRate` are for. Its calls of audio have no rates.
_UNITS = {
    "chatCompletion": ("input", "output"),
    "embedding": ("input", None),
    "imageGeneration": ("input", "image"),
    "video": (None, "video_second"),
}
_EACH = frozenset(("image", "video_second"))
_FEATURES = {"tools": "tools", "vision": "images"}


class Configuration(msgspec.Struct, frozen=True, kw_only=True):
    """Parts of a document, and the secrets by reference."""

    document: dict[str, Any]
    secrets: dict[str, str]


def convert(
    rows: Callable[[str], list[ForeignRow]],
    secret_of: Callable[[str], str | None],
    users: Iterable[str],
    left: Leftovers,
) -> Configuration:
    """The configuration, of the rows of a table by its name; what cannot be taken over is noted."""
    names = {str(row["id"]): str(row["name"]) for row in rows("AiProviders")}
    providers = {str(row["name"]): _provider(row, left) for row in rows("AiProviders")}
    secrets: dict[str, str] = {}
    seen: Counter[tuple[str, str]] = Counter()
    for row in rows("AiCredentials"):
        provider = names.get(str(row["providerId"]))
        if provider is None or providers.get(provider) is None:
            left.add(f"AiCredentials.{row['id']}", "its provider is not there any more")
            continue
        _credential(row, provider, providers[provider] or {}, secret_of, secrets, seen, left)
    rates = rates_of(rows("AiModelRates"), names, left)
    document = {
        "providers": {name: entry for name, entry in providers.items() if entry is not None},
        "rates": {model: rate for model, rate in rates.items() if providers.get(model.partition("/")[0]) is not None},
        "users": {did: {} for did in users},
    }
    return Configuration(document=document, secrets=secrets)


def _provider(row: ForeignRow, left: Leftovers) -> dict[str, Any] | None:
    """A provider of ours, at the vendor's own URL where the hub's is at the same server."""
    name = str(row["name"])
    known, url = VENDORS.get(name), str(row.get("baseUrl") or "").rstrip("/")
    if known is None:
        left.add(f"AiProviders.{name}", "the hub knows no vendor of this name; add it by its URL and dialect")
        return None
    entry: dict[str, Any] = {"enabled": bool(row.get("enabled", 1)), "credentials": {}}
    if row.get("displayName"):
        entry["display_name"] = str(row["displayName"])
    if name == "bedrock" and row.get("region"):
        url = url_of_region(name, str(row["region"])) or url
    if name == "ollama" and url and not url.endswith("/v1"):
        url += "/v1"
    if url and (name in ("bedrock", "ollama") or urlsplit(url).netloc != urlsplit(known.base_url).netloc):
        entry["base_url"] = url
    return entry


def _credential(
    row: ForeignRow,
    provider: str,
    entry: dict[str, Any],
    secret_of: Callable[[str], str | None],
    secrets: dict[str, str],
    seen: Counter[tuple[str, str]],
    left: Leftovers,
) -> None:
    """A credential whose secret is in clear or can be opened; another one is noted, to be given again."""
    name, path = str(row.get("name") or ""), f"AiCredentials.{provider}/{row.get('name')}"
    secret = _secret(as_json(row.get("credentialValue")), str(row.get("credentialType") or "api_key"), secret_of)
    if secret is None:
        why = "the secret must be given again: it does not open with BLOCKLET_APP_EK and BLOCKLET_DID as they are here"
        left.add(path, why)
        return
    seen[provider, name] += 1
    reference = f"{SOURCE}:{row['id']}"
    secrets[reference] = secret
    weight = max(1, min(_WEIGHT_MAX, int(row.get("weight") or 100)))
    entry["credentials"][label(name, seen[provider, name])] = {"secret": reference, "weight": weight}
    if not row.get("active", 1):
        left.add(path, f"it was out of use there ({str(row.get('error') or 'rejected')[:200]}), and is in use here")


def _secret(value: Any, kind: str, secret_of: Callable[[str], str | None]) -> str | None:
    """The secret as it is written here: a pair of AWS keys is one, with a colon between them."""
    if isinstance(value, str):
        return secret_of(value)
    if not isinstance(value, dict):
        return None
    if kind == "access_key_pair":
        given, hidden = value.get("access_key_id"), value.get("secret_access_key")
        secret = secret_of(hidden) if isinstance(hidden, str) else None
        return f"{given}:{secret}" if given and secret else None
    held = value.get("api_key")
    return secret_of(held) if isinstance(held, str) else None


def rates_of(rows: Iterable[ForeignRow], names: Mapping[str, str], left: Leftovers) -> dict[str, dict[str, Any]]:
    """The rate of each model: those of its types together, since the units differ."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        provider = names.get(str(row["providerId"]))
        path = f"AiModelRates.{provider}/{row['model']}"
        if provider is None:
            left.add(f"AiModelRates.{row['id']}", "its provider is not there any more")
            continue
        amounts = amounts_of(row, path, left)
        if not amounts:
            continue
        rate = found.setdefault(f"{provider}/{row['model']}", {"source": SOURCE})
        rate |= amounts
        if {"input", "output"} & rate.keys():
            rate.setdefault("input", "0")
            rate.setdefault("output", "0")
        rate |= _known(row)
    return found


def amounts_of(row: ForeignRow, path: str, left: Leftovers) -> dict[str, str]:
    """What the units of a row of its type are sold for, exactly."""
    kind = str(row.get("type"))
    if kind not in _UNITS:
        left.add(path, f"there is no type {kind} here")
        return {}
    caching = as_json(row.get("caching")) or {}
    given = [*zip(_UNITS[kind], (row.get("inputRate"), row.get("outputRate")), strict=True)]
    given += [("cache_read", caching.get("readRate")), ("cache_write", caching.get("writeRate"))]
    amounts: dict[str, str] = {}
    for unit, rate in given:
        if unit is None or rate is None:
            continue
        amount = exact(rounded(rate), 0 if unit in _EACH else 6)
        if amount is None:
            left.add(path, f"{rate} for {unit} is no rate that can be charged exactly")
        else:
            amounts[unit] = amount
    return amounts


def rounded(rate: Any) -> Any:
    """A rate at the ten decimals that its column declares; SQLite keeps it as a binary fraction."""
    return f"{rate:.10f}" if isinstance(rate, float) else rate


def _known(row: ForeignRow) -> dict[str, Any]:
    """What is known of the model, and how lists show it."""
    metadata = as_json(row.get("modelMetadata")) or {}
    known: dict[str, Any] = {}
    if row.get("modelDisplay"):
        known["display_name"] = str(row["modelDisplay"])
    if row.get("deprecated"):
        known["hidden"] = True
    if isinstance(metadata.get("maxTokens"), int):
        known["context"] = metadata["maxTokens"]
    if isinstance(metadata.get("features"), list):
        known["capabilities"] = [word for name, word in _FEATURES.items() if name in metadata["features"]]
    return known


def as_json(text: Any) -> Any:
    """The value of a column of JSON; what is none is returned as it is."""
    if not isinstance(text, str):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text or None
