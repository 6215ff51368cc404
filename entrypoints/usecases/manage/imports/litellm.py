"""A configuration of LiteLLM's proxy as a document of ours: pure, from the parsed file and the variables it names.

A credit is taken for a dollar, as LiteLLM counts in dollars.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from domain.catalog.vendors import VENDORS
from entrypoints.usecases.manage.imports.amounts import exact
from entrypoints.usecases.manage.imports.leftovers import LeftOut, Leftovers
from entrypoints.usecases.manage.imports.litellm_models import Deployment, Reader

_ALIAS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")
_STRATEGIES = {"simple-shuffle": "round-robin", "latency-based-routing": "least-latency",
               "cost-based-routing": "least-cost"}  # fmt: skip
# Budgets of LiteLLM are reset at calendar edges: https://docs.litellm.ai/docs/proxy/budget_reset_and_tz
_PERIODS = {"1d": "day", "24h": "day", "7d": "week", "1w": "week", "30d": "month", "1mo": "month", None: "total"}
_PRIORITY_MAX = 9_999


class Converted(msgspec.Struct, frozen=True, kw_only=True):
    """The document, the secrets that the file itself has or whose variables are known, and what is left out."""

    document: dict[str, Any]
    secrets: dict[str, str]
    left_out: list[LeftOut]


def convert(config: Mapping[str, Any], variables: Mapping[str, str]) -> Converted:
    """The configuration as far as it has a counterpart."""
    left = Leftovers()
    shared = {
        one["credential_name"]: one.get("credential_values") or {}
        for one in _list(config.get("credential_list"))
        if isinstance(one, dict) and "credential_name" in one
    }
    reader = Reader(variables, shared, left)
    for n, entry in enumerate(_list(config.get("model_list"))):
        reader.read(entry, f"model_list[{n}]")
    models, settings = reader.models, _Settings(config, left)
    document = {
        "providers": models.providers,
        "rates": models.rates,
        "aliases": _aliases(models.deployments, settings, left),
        "limits": [*_limits(models.deployments), *settings.limits()],
        "budgets": [*_budgets(models.deployments, left), *settings.budgets()],
    }
    settings.note_the_rest()
    known = {f"env:{name}": value for name, value in variables.items() if value}
    return Converted(document=document, secrets={**known, **models.secrets}, left_out=left.found)


class _Settings:
    """The settings of the router and of the module: the same name may be in either."""

    def __init__(self, config: Mapping[str, Any], left: Leftovers) -> None:
        self._config, self._left = config, left
        self._taken: dict[str, set[str]] = {}

    def _all(self, name: str) -> Iterator[tuple[str, Any]]:
        """Every value of that name, with its path."""
        for section in ("router_settings", "litellm_settings", "general_settings"):
            settings = self._config.get(section)
            if isinstance(settings, dict) and name in settings:
                self._taken.setdefault(section, set()).add(name)
                yield f"{section}.{name}", settings[name]

    def _one(self, name: str) -> Any:
        return next((value for _, value in self._all(name)), None)

    def strategy(self) -> str:
        """The way of sharing calls within an alias."""
        strategy = "round-robin"
        for path, given in self._all("routing_strategy"):
            if given not in _STRATEGIES:
                self._left.add(path, f"calls are shared by weight; there is no {given}")
            strategy = _STRATEGIES.get(given, strategy)
        return strategy

    def fallbacks(self) -> dict[str, list[str]]:
        """The models that follow each model."""
        found: dict[str, list[str]] = {}
        for _, given in self._all("fallbacks"):
            for one in _list(given):
                for name, models in one.items() if isinstance(one, dict) else ():
                    found.setdefault(name, []).extend(map(str, _list(models)))
        return found

    def default_fallbacks(self) -> list[str]:
        """The models that follow every model."""
        return [str(model) for _, given in self._all("default_fallbacks") for model in _list(given)]

    def group_aliases(self) -> dict[str, str]:
        """Other names of models; a hidden one is like any other here."""
        found: dict[str, str] = {}
        for _, given in self._all("model_group_alias"):
            for name, target in given.items() if isinstance(given, dict) else ():
                found[name] = str(target.get("model")) if isinstance(target, dict) else str(target)
        return found

    def limits(self) -> Iterator[dict[str, Any]]:
        """The limit of calls at once."""
        if amount := self._one("global_max_parallel_requests"):
            yield {"measure": "concurrency", "amount": int(amount)}

    def budgets(self) -> Iterator[dict[str, Any]]:
        """The budgets of the hub and of each user."""
        zone = self._one("timezone") or "UTC"
        defaults = self._one("default_internal_user_params")
        defaults = defaults if isinstance(defaults, dict) else {}
        whole = (self._one("max_budget"), self._one("budget_duration"))
        each = (self._one("max_internal_user_budget"), self._one("internal_user_budget_duration"))
        if defaults.get("max_budget") is not None:
            each = (defaults["max_budget"], defaults.get("budget_duration"))
        self._left.rest(
            "litellm_settings.default_internal_user_params", defaults, frozenset(("max_budget", "budget_duration"))
        )
        for (amount, duration), subject, name in (
            (whole, {}, "max_budget"),
            (each, {"user": "*"}, "max_internal_user_budget"),
        ):
            if amount is not None and (made := _budget(amount, duration, f"litellm_settings.{name}", self._left)):
                yield {**made, **subject, "time_zone": zone}

    def note_the_rest(self) -> None:
        """Note every setting that was not asked for."""
        sections = ("router_settings", "litellm_settings", "general_settings")
        for section in sections:
            self._left.rest(section, self._config.get(section), frozenset(self._taken.get(section, ())))
        self._left.rest("", self._config, frozenset(("model_list", "credential_list", *sections)))


def _aliases(deployments: Iterable[Deployment], settings: _Settings, left: Leftovers) -> dict[str, dict[str, Any]]:
    """An alias for each name that callers use, with the fallbacks behind its own models."""
    groups: dict[str, list[Deployment]] = {}
    for one in deployments:
        groups.setdefault(one.group, []).append(one)
    strategy, fallbacks, ever = settings.strategy(), settings.fallbacks(), settings.default_fallbacks()
    found: dict[str, dict[str, Any]] = {}
    for name, own in groups.items():
        if not _may_be_alias(name, own, left):
            continue
        targets: dict[str, tuple[int, int]] = {}
        for one in own:
            weight = targets.get(one.name, (0, 0))[1]
            targets[one.name] = (min(one.priority, _PRIORITY_MAX), weight + one.weight)
        behind = max(priority for priority, _ in targets.values())
        for n, fallback in enumerate((*fallbacks.get(name, ()), *ever), 1):
            for model in [one.name for one in groups.get(fallback, ())] or [fallback]:
                if model != name:
                    targets.setdefault(model, (min(behind + n, _PRIORITY_MAX), 1))
        found[name] = {"targets": [f"{model}@{p}*{w}" for model, (p, w) in targets.items()], "strategy": strategy}
    for name, target in settings.group_aliases().items():
        if not _ALIAS.fullmatch(name) or name in VENDORS or name == target:
            left.add(f"router_settings.model_group_alias.{name}", "an alias cannot have this name")
        else:
            found[name] = {"targets": [target], "strategy": strategy}
    for name in fallbacks.keys() - groups.keys():
        left.add(f"litellm_settings.fallbacks.{name}", "the list has no model of this name")
    return found


def _may_be_alias(name: str, own: list[Deployment], left: Leftovers) -> bool:
    """Whether the name becomes an alias; if not, that is noted unless the name works without one."""
    if any(one.model == "*" or "*" in one.model for one in own) or "*" in name:
        left.add(f"{own[0].path}.model_name", f"every model of {own[0].provider} is called as {own[0].provider}/MODEL")
        return False
    if len(own) == 1 and own[0].name == name:
        return False
    if not _ALIAS.fullmatch(name) or name in VENDORS:
        left.add(f"{own[0].path}.model_name", f"an alias cannot have this name; call it as {own[0].name}")
        return False
    return True


def _limits(deployments: Iterable[Deployment]) -> Iterator[dict[str, Any]]:
    """Requests, tokens and open calls of each model: those of its deployments together."""
    sums: dict[tuple[str, str], int] = {}
    for one in deployments:
        for measure, amount in one.limits.items():
            sums[one.name, measure] = sums.get((one.name, measure), 0) + amount
    for (model, measure), amount in sums.items():
        yield {"measure": measure, "amount": amount, "model": model} | (
            {} if measure == "concurrency" else {"per": "1m"}
        )


def _budgets(deployments: Iterable[Deployment], left: Leftovers) -> Iterator[dict[str, Any]]:
    """A budget of a model for each deployment that has one; of several, the first."""
    seen: set[str] = set()
    for one in deployments:
        path = f"{one.path}.litellm_params.max_budget"
        if one.budget is None:
            continue
        if one.name in seen:
            left.add(path, f"{one.name} has a budget already")
        elif made := _budget(*one.budget, path, left):
            seen.add(one.name)
            yield {**made, "model": one.name}


def _budget(amount: Any, duration: Any, path: str, left: Leftovers) -> dict[str, Any] | None:
    if duration not in _PERIODS:
        left.add(path, f"a budget is for a day, a week, a month or all time, and not for {duration}")
        return None
    credits_of = exact(amount)
    if credits_of is None:
        left.add(path, f"{amount} is no amount")
        return None
    return {"amount": credits_of, "period": _PERIODS[duration]}


def _list(given: Any) -> list[Any]:
    """A list; one thing is a list of it, and nothing an empty one."""
    if given is None:
        return []
    return given if isinstance(given, list) else [given]
