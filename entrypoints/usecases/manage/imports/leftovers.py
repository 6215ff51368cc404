"""What of a configuration of LiteLLM has no counterpart in a document, and what to do about it.

https://docs.litellm.ai/docs/proxy/config_settings
"""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Annotated, Any

import msgspec
from msgspec import Meta

NO_COUNTERPART = "there is no counterpart"

# By the path without numbers of items; the first that fits.
_ADVICE: Mapping[str, str] = {
    "general_settings.master_key": "the owner's key is AIHUB_OWNER_KEY, or `key create` makes one",
    "general_settings.database_url": "the books of the hub are its own; DATABASE_URL puts them in PostgreSQL",
    "general_settings.alerting*": "metrics and the audit log have what an alert needs",
    "general_settings.max_parallel_requests": "set a limit of concurrency for the models that need one",
    "*.callbacks": "traces and metrics go to OpenTelemetry and Prometheus",
    "*_callback": "traces and metrics go to OpenTelemetry and Prometheus",
    "*.num_retries": "set AIHUB_MAX_RETRIES",
    "litellm_settings.request_timeout": "set AIHUB_UPSTREAM_TIMEOUT_S",
    "router_settings.timeout": "set AIHUB_UPSTREAM_TIMEOUT_S",
    "*.litellm_params.timeout": "set AIHUB_UPSTREAM_TIMEOUT_S, for all models",
    "*.stream_timeout": "set AIHUB_FIRST_TOKEN_TIMEOUT_S, or first_token_timeout_s of an alias",
    "litellm_settings.drop_params": "unsupported parameters are dropped and named; see AIHUB_UNSUPPORTED",
    "litellm_settings.modify_params": "requests are adapted to the provider anyway",
    "*.allowed_fails*": "a provider that failed is tried last for a while anyway",
    "*.cooldown_time": "a provider that failed is tried last for a while anyway",
    "*.context_window_fallbacks": "a model whose context is too small is left out; add a larger one to the alias",
    "*.content_policy_fallbacks": "a refusal by the model is an answer, and is returned",
    "*.redis_*": "the processes of the hub share their books, and need no Redis",
    "litellm_settings.cache*": "answers are not cached; a request repeated with its Idempotency-Key is answered once",
    "*.enable_pre_call_checks": "a candidate that cannot serve the request is left out anyway",
    "*.set_verbose": "set AIHUB_LOG",
    "*.json_logs": "set AIHUB_LOG=json",
    "*.api_version": "not needed by the URL that is used",
    "environment_variables*": "set them where the hub runs",
    "include": "import those files one by one",
    "*.model_info.base_model": "the rate is that of the model's own name",
    "*.model_info.mode": "the operation follows from the request",
    "*.model_info.id": "a model is called by its name",
}


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the file that was not taken over."""

    path: Annotated[str, Meta(description="where the file has it")]
    why: str


class Leftovers:
    """Collects what is not taken over."""

    def __init__(self) -> None:
        self.found: list[LeftOut] = []

    def add(self, path: str, why: str = "") -> None:
        """Note a path; without a reason, the known advice for it is the reason."""
        self.found.append(LeftOut(path=path, why=why or _advice(path)))

    def rest(self, path: str, value: Any, taken: frozenset[str]) -> None:
        """Note everything under the path but the names that were taken."""
        for name in value if isinstance(value, dict) else ():
            if name not in taken:
                self.add(f"{path}.{name}" if path else str(name))


def _advice(path: str) -> str:
    return next((text for pattern, text in _ADVICE.items() if fnmatchcase(path, pattern)), NO_COUNTERPART)
