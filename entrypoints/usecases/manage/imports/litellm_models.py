"""The models of a configuration of LiteLLM: each deployment as a provider, a credential, a rate and limits of ours.

https://docs.litellm.ai/docs/proxy/configs, https://docs.litellm.ai/docs/routing (`order`, `weight`, `rpm`),
https://docs.litellm.ai/docs/proxy/custom_pricing
"""

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit

import msgspec

from domain.catalog.vendors import VENDORS
from entrypoints.usecases.manage.imports.amounts import exact
from entrypoints.usecases.manage.imports.leftovers import Leftovers
from entrypoints.usecases.manage.providers import url_of_region

SOURCE = "litellm"
_ENV = "os.environ/"
# LiteLLM's prefixes of models whose vendor has another name here; `openai` with a URL is any compatible server.
_VENDORS = {
    "gemini": "google", "azure_ai": "azure", "together_ai": "together", "fireworks_ai": "fireworks",
    "ollama_chat": "ollama", "cohere_chat": "cohere", "jina_ai": "jina", "bedrock_converse": "bedrock",
    "text-completion-openai": "openai", "volcengine": "doubao", "zai": "zai", "anthropic_text": "anthropic",
}  # fmt: skip
_COMPATIBLE = frozenset((
    "openai", "hosted_vllm", "openai_like", "custom_openai", "lm_studio", "llamafile", "xinference", "vllm", "custom",
))  # fmt: skip
# Secrets that are none: local servers want something in the field.
_NO_SECRETS = frozenset(("", "none", "null", "dummy", "empty", "anything", "fake", "fake-key", "not-needed"))
# What a token, an image or a second costs, and the unit of ours.
_COSTS = {
    "input_cost_per_token": "input", "output_cost_per_token": "output",
    "cache_read_input_token_cost": "cache_read", "cache_creation_input_token_cost": "cache_write",
    "cache_creation_input_token_cost_above_1hr": "cache_write_1h", "input_cost_per_audio_token": "input_audio",
    "output_cost_per_audio_token": "output_audio", "output_cost_per_reasoning_token": "reasoning",
    "input_cost_per_character": "character",
}  # fmt: skip
_COSTS_EACH = {
    "output_cost_per_image": "image", "input_cost_per_image": "image", "input_cost_per_query": "search_unit",
    "input_cost_per_request": "request", "output_cost_per_second": "second", "input_cost_per_second": "second",
}  # fmt: skip
_FLAGS = {"supports_function_calling": "tools", "supports_vision": "images", "supports_audio_input": "audio",
          "supports_pdf_input": "documents"}  # fmt: skip
_PARAMS = frozenset((
    "model", "api_key", "api_base", "base_url", "custom_llm_provider", "litellm_credential_name", "weight", "order",
    "rpm", "tpm", "max_parallel_requests", "max_budget", "budget_duration", "aws_region_name", "aws_access_key_id",
    "aws_secret_access_key", "aws_session_token", *_COSTS, *_COSTS_EACH,
))  # fmt: skip
_INFO = frozenset(
    ("max_tokens", "max_input_tokens", "max_output_tokens", "description", *_COSTS, *_COSTS_EACH, *_FLAGS)
)
_WEIGHT_MAX = 1_000_000
_REGION = re.compile(r"\b[a-z]{2}-[a-z]+-\d\b")


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the list: which name leads to it, and the provider and the model that it is here.

    `model` of `*` is all models of the provider. `limits` are by measure, for this deployment alone.
    """

    path: str
    group: str
    provider: str
    model: str
    priority: int = 0
    weight: int = 1
    limits: dict[str, int] = {}
    budget: tuple[Any, Any] | None = None

    @property
    def name(self) -> str:
        """The model's name here."""
        return f"{self.provider}/{self.model}"


class Models(msgspec.Struct, frozen=True, kw_only=True):
    """What the list of models comes to: parts of a document, and the secrets by reference."""

    deployments: list[Deployment] = []
    providers: dict[str, dict[str, Any]] = {}
    rates: dict[str, dict[str, Any]] = {}
    secrets: dict[str, str] = {}


class Reader:
    """Reads the list with the variables that are known where the import runs."""

    def __init__(self, variables: Mapping[str, str], credentials: Mapping[str, Any], left: Leftovers) -> None:
        self._variables, self._credentials, self._left = variables, credentials, left
        self.models = Models()

    def read(self, entry: Any, path: str) -> None:
        """Take one entry over, or note why not."""
        given = entry.get("litellm_params") if isinstance(entry, dict) else None
        if not isinstance(given, dict) or not isinstance(entry.get("model_name"), str) or not given.get("model"):
            self._left.add(path, "it has no `model_name` and `litellm_params.model`")
            return
        params = {**self._shared(given, path), **given}
        where = f"{path}.litellm_params"
        info = entry.get("model_info") or {}
        self._left.rest(path, entry, frozenset(("model_name", "litellm_params", "model_info")))
        self._left.rest(where, given, _PARAMS | {"api_version"} if self._is_azure(params) else _PARAMS)
        self._left.rest(f"{path}.model_info", info, _INFO)
        placed = self._place(params, where)
        if placed is None:
            return
        vendor, provider, model = placed
        self._credential(provider, vendor, params, where)
        deployment = Deployment(
            path=path,
            group=entry["model_name"],
            provider=provider,
            model=model,
            priority=max(0, _whole(params.get("order")) or 0),
            weight=min(_WEIGHT_MAX, max(1, _whole(params.get("weight") or params.get("rpm") or 1) or 1)),
            limits={
                measure: amount
                for measure, name in (("requests", "rpm"), ("tokens", "tpm"), ("concurrency", "max_parallel_requests"))
                if (amount := _whole(params.get(name)))
            },
            budget=(params["max_budget"], params.get("budget_duration")) if "max_budget" in params else None,
        )
        self.models.deployments.append(deployment)
        if model != "*" and (rate := self._rate(params, info, where)):
            self.models.rates.setdefault(deployment.name, rate)

    def _shared(self, params: Mapping[str, Any], path: str) -> Mapping[str, Any]:
        """The values of a credential of the file's own list."""
        name = params.get("litellm_credential_name")
        if name is None:
            return {}
        if name not in self._credentials:
            self._left.add(f"{path}.litellm_params.litellm_credential_name", f"the file has no credential {name}")
        return self._credentials.get(name) or {}

    def _is_azure(self, params: Mapping[str, Any]) -> bool:
        return str(params["model"]).startswith("azure")

    def _place(self, params: Mapping[str, Any], path: str) -> tuple[str, str, str] | None:
        """The vendor, the name of the provider and that of the model; the provider is noted."""
        prefix, slash, rest = str(params["model"]).partition("/")
        kind = params.get("custom_llm_provider") or (prefix if slash else _maker(prefix))
        model = rest if slash and prefix == kind else str(params["model"])
        if kind is None or (kind == "*" and not rest):
            why = "write such as openai/* for all models of a vendor" if prefix == "*" else "no vendor has such models"
            self._left.add(f"{path}.model", why)
            return None
        vendor = _VENDORS.get(kind, kind)
        url = self._url(params, path)
        if kind in _COMPATIBLE and url is None and kind != "openai":
            self._left.add(f"{path}.api_base", f"state where the server of {model} is")
            return None
        if kind not in _COMPATIBLE and vendor not in VENDORS and url is None:
            self._left.add(
                f"{path}.model", f"the hub knows no vendor {kind}; add it as a provider by its URL and dialect"
            )
            return None
        if kind == "azure" and url is not None:
            url = _azure_url(url, params.get("api_version"))
        if kind == "bedrock" and isinstance(region := self._value(params.get("aws_region_name"), path), str):
            url = url_of_region("bedrock", region) or url
        if vendor == "ollama" and url is not None and not url.endswith("/v1"):
            url = f"{url}/v1"
        if url is None and vendor in VENDORS and VENDORS[vendor].has_own_url:
            self._left.add(f"{path}.api_base", f"state where your {vendor} is: {VENDORS[vendor].base_url}")
            return None
        return vendor, self._provider(vendor, kind, url), model.removeprefix("converse/")

    def _provider(self, vendor: str, kind: str, url: str | None) -> str:
        """The provider of ours: the vendor's name for its own URL, else that with the host."""
        known = VENDORS.get(vendor)
        if known is not None and url in (None, known.base_url):
            self.models.providers.setdefault(vendor, {"credentials": {}})
            return vendor
        assert url is not None
        server = urlsplit(url).netloc.lower()
        if region := (known and _REGION.search(server)):
            server = region[0]
        elif known is not None and known.hosts and server.endswith(known.hosts):
            server = server.partition(".")[0]
        host = re.sub(r"[^a-z0-9]+", "-", server).strip("-")[:40]
        name = f"{vendor}-{host}" if vendor != kind or kind not in _COMPATIBLE else host
        dialect = "openai" if kind in _COMPATIBLE or known is None else known.dialect
        same, number = name, 1
        while self.models.providers.get(same, {"base_url": url}).get("base_url") != url:
            number += 1
            same = f"{name}-{number}"
        self.models.providers.setdefault(same, {"dialect": dialect, "base_url": url, "credentials": {}})
        return same

    def _url(self, params: Mapping[str, Any], path: str) -> str | None:
        found = self._value(params.get("api_base") or params.get("base_url"), f"{path}.api_base")
        return None if found is None else found.rstrip("/")

    def _value(self, given: Any, path: str) -> str | None:
        """A value, or that of the variable that it names; what is not set is noted."""
        if given is None:
            return None
        text = str(given)
        if not text.startswith(_ENV):
            return text
        name = text.removeprefix(_ENV)
        if name not in self._variables:
            self._left.add(path, f"the variable {name} is not set here")
        return self._variables.get(name)

    def _credential(self, provider: str, vendor: str, params: Mapping[str, Any], path: str) -> None:
        """The credential of the deployment, by the name of its variable, or by a place in the file."""
        key = params.get("api_key")
        entry = path.removesuffix(".litellm_params")
        reference = f"{SOURCE}:{entry}"
        if vendor == "bedrock" and key is None and params.get("aws_access_key_id"):
            parts = [
                self._value(params.get(name), f"{path}.{name}")
                for name in ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
                if params.get(name)
            ]
            if not all(parts) or len(parts) == 1:
                return
            self.models.secrets[reference] = ":".join(part for part in parts if part)
        elif key is None or str(key).lower() in _NO_SECRETS:
            return
        elif str(key).startswith(_ENV):
            reference = f"env:{str(key).removeprefix(_ENV)}"
        else:
            self.models.secrets[reference] = str(key)
        held = self.models.providers[provider]["credentials"]
        same = self.models.secrets.get(reference, reference)
        if any(self.models.secrets.get(one["secret"], one["secret"]) == same for one in held.values()):
            return
        weight = min(_WEIGHT_MAX, max(1, _whole(params.get("weight") or params.get("rpm") or 100) or 100))
        held[reference.partition(":")[2]] = {"secret": reference, "weight": weight}

    def _rate(self, params: Mapping[str, Any], info: Mapping[str, Any], path: str) -> dict[str, Any]:
        """The costs as what the model is sold for, and what is known of it; nothing if no cost is stated."""
        costs: dict[str, str] = {}
        for name, unit in (*_COSTS.items(), *_COSTS_EACH.items()):
            given = params.get(name, info.get(name))
            if given is None:
                continue
            amount = exact(given, 6 if name in _COSTS else 0)
            if amount is None:
                self._left.add(f"{path}.{name}", f"{given} is no cost that can be charged exactly")
            else:
                costs[unit] = amount
        if not costs:
            return {}
        if {"input", "output"} & costs.keys():
            costs = {"input": "0", "output": "0", **costs}
        known: dict[str, Any] = {"source": SOURCE}
        if tokens := _whole(info.get("max_input_tokens")):
            known["context"] = tokens
        if tokens := _whole(info.get("max_output_tokens") or info.get("max_tokens")):
            known["max_output"] = tokens
        if any(name in info for name in _FLAGS):
            known["capabilities"] = [word for name, word in _FLAGS.items() if info.get(name)]
        return {**costs, **known}


def _maker(model: str) -> str | None:
    """The vendor whose models have such names."""
    return next(
        (name for name, vendor in VENDORS.items() if vendor.patterns and model.startswith(vendor.patterns)), None
    )


def _azure_url(url: str, version: Any) -> str:
    if "/openai/" in url or url.endswith("/openai"):
        return url
    if version and str(version) not in ("preview", "latest", "v1"):
        return f"{url}/openai/deployments/{{model}}?api-version={version}"
    return f"{url}/openai/v1"


def _whole(given: Any) -> int | None:
    """A whole number of at least zero, rounded down; None for anything else."""
    try:
        number = Decimal(str(given))
    except InvalidOperation:
        return None
    return int(number) if number.is_finite() and number >= 0 else None
