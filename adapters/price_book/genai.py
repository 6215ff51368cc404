"""Convert the public catalogue genai-prices (PyPI, MIT, https://github.com/pydantic/genai-prices) to the hub's prices.

House rule: this is for maintenance only, and only this file imports the catalogue, when it is needed. A price for a
unit that the hub does not have (pages, pixels, video) is left out; an unknown condition leaves its model out.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from importlib.metadata import version
from typing import Any

from adapters.price_book.output_limits import output_tokens_max
from adapters.price_book.vendor_pages import pages
from domain.pricing.price_book import Clause, Names, Price, checked_names, matches, price_id
from domain.pricing.tiers import Tier, UnitPrices
from ports.price_book import CatalogueMissing

# The catalogue's names of the hub's providers; several of its names make one provider, distinguished by a suffix.
SOURCES: Mapping[str, tuple[str, ...]] = {
    "anthropic": ("anthropic",),
    "azure": ("azure",),
    "bedrock": ("aws",),
    "cerebras": ("cerebras",),
    "cohere": ("cohere",),
    "deepseek": ("deepseek",),
    "fireworks": ("fireworks",),
    "google": ("google",),
    "google-vertex": ("google",),
    "groq": ("groq",),
    "huggingface": ("huggingface_*",),
    "minimax": ("minimax",),
    "mistral": ("mistral",),
    "moonshotai": ("moonshotai",),
    "openai": ("openai",),
    "openrouter": ("openrouter",),
    "perplexity": ("perplexity",),
    "together": ("together",),
    "voyage": ("voyageai",),
    "xai": ("x-ai",),
    "zai": ("zai",),
}
# The catalogue's key of a price, and the hub's unit. The first that is present counts: hours of input audio, else of
# any audio.
_UNITS: tuple[tuple[str, str], ...] = (
    ("input_mtok", "input_nanos"),
    ("input_audio_mtok", "input_audio_nanos"),
    ("input_image_mtok", "input_image_nanos"),
    ("cache_read_mtok", "cache_read_nanos"),
    ("cache_audio_read_mtok", "cache_read_audio_nanos"),
    ("cache_write_mtok", "cache_write_nanos"),
    ("cache_write_1h_mtok", "cache_write_1h_nanos"),
    ("output_mtok", "output_nanos"),
    ("output_audio_mtok", "output_audio_nanos"),
    ("output_image_mtok", "output_image_nanos"),
    ("output_reasoning_mtok", "reasoning_nanos"),
    ("web_searches_kcount", "tool_use_nanos"),
    ("input_mchars", "character_nanos"),
    ("input_audio_hours", "second_nanos"),
    ("audio_hours", "second_nanos"),
    ("requests_kcount", "request_nanos"),
)
_UNITS_OF = {"mtok": 1_000_000, "mchars": 1_000_000, "kcount": 1_000, "hours": 3_600}
_NANOS_A_DOLLAR = 1_000_000_000
_UNITS_A_PRICE = 1_000_000
# The catalogue's conditions on how a request was served, which become a service tier.
_SERVICE_CONDITIONS = ("service_tier", "speed", "processing")
_EPOCH = date(1970, 1, 1)
_FREE = UnitPrices(input_nanos=0, output_nanos=0)


def catalogue(known_ms: int) -> dict[str, list[Price]]:
    """Return every price of the installed catalogue, by provider. Raises CatalogueMissing if it is not installed."""
    try:
        from genai_prices import data
    except ImportError:
        raise CatalogueMissing(
            "genai-prices is not installed: install aihub[prices], such as by .venv/bin/pip install -e '.[prices]'"
        ) from None
    source = f"genai-prices {version('genai-prices')}"
    by_id = {provider.id: provider for provider in data.providers}
    found: dict[str, list[Price]] = {}
    for ours, theirs in SOURCES.items():
        found[ours] = [
            price
            for name in theirs
            for their_id in (by_id if name.endswith("*") else (name,))
            if their_id.startswith(name.rstrip("*")) and their_id in by_id
            for model in by_id[their_id].models
            for price in _prices(ours, model, source, known_ms, _suffix(name, their_id))
        ]
    for price in pages(known_ms):
        of_vendor = found.setdefault(price.provider, [])
        if not any(matches(known.names, price.model) for known in of_vendor):
            of_vendor.append(price)
    return found


def _prices(provider: str, model: Any, source: str, known_ms: int, suffix: str) -> Iterator[Price]:
    """Return all dated versions of one model's price; none if the catalogue has an unknown condition."""
    try:
        names = checked_names(names_of(model.match, suffix))
        name = callable_name(provider, model.id + suffix, names)
        dated = [(day, *_priced_from(model, day)) for day in _days(model)]
    except NotUnderstood:
        return
    if name is None:
        return
    last = None
    for day, prices, tiers in dated:
        if prices == UnitPrices() and _is_free(provider, model.id):
            prices = _FREE
        if (prices, tiers) == last or prices == UnitPrices():
            continue
        last = prices, tiers
        effective_ms = (day - _EPOCH).days * 86_400_000
        yield Price(
            id=price_id(provider, name, effective_ms, known_ms),
            provider=provider,
            model=name,
            effective_ms=effective_ms,
            known_ms=known_ms,
            source=source,
            names=names,
            prices=prices,
            tiers=tiers,
            context_tokens=model.context_window,
            output_tokens_max=output_tokens_max(provider, model.id),
        )


def callable_name(provider: str, their_name: str, names: Names) -> str | None:
    """Return the name of a model that the provider accepts; None if the provider does not serve the model.

    The catalogue's own name may be wrong: Fireworks' names lack the `accounts/…` that its API requires, OpenRouter's
    old ones lack the maker; and of Google's services, only Vertex AI has Claude.
    """
    if provider == "google" and their_name.startswith("claude"):
        return None
    exact = [name[1:] for name in names if isinstance(name, str) and name[0] == "="]
    known = [their_name] if matches(names, their_name.lower()) else []
    found = [name for name in (*known, *exact, their_name) if provider != "openrouter" or "/" in name]
    return found[0] if found else None


def _is_free(provider: str, model: str) -> bool:
    """Whether the model is documented as free; in the catalogue, free and unknown prices look the same.

    "The moderation endpoint is free to use" (https://developers.openai.com/api/docs/guides/moderation); OpenRouter's
    `:free` variants cost nothing by their name (https://openrouter.ai/docs/guides/routing/model-variants/free).
    """
    return model.endswith(":free") or (provider, model) == ("openai", "moderation")


class NotUnderstood(Exception):
    """The catalogue contains something that has no counterpart here."""


def names_of(match: Any, suffix: str) -> Names:
    """Return the catalogue's clauses as the hub's patterns, each with the suffix of the host."""
    clauses = match.or_ if hasattr(match, "or_") else (match,)
    return tuple(_clause(clause, suffix) for clause in clauses)


def _clause(match: Any, suffix: str) -> Clause:
    if hasattr(match, "and_"):
        return tuple(_sign(part) for part in match.and_) + ((f"${suffix}",) if suffix else ())
    sign = _sign(match)
    if not suffix:
        return sign
    return sign + suffix if sign[0] == "=" else (sign, f"${suffix}")


def _sign(match: Any) -> str:
    for field, sign in (("equals", "="), ("starts_with", "^"), ("ends_with", "$"), ("contains", "*")):
        if hasattr(match, field):
            return sign + str(getattr(match, field)).lower()
    if hasattr(match, "regex"):
        return "/" + str(match.regex)
    raise NotUnderstood(type(match).__name__)


def _suffix(pattern: str, their_id: str) -> str:
    """Return the suffix of `model:host` in Hugging Face's router (huggingface.co/docs/inference-providers)."""
    return f":{their_id.removeprefix(pattern[:-1])}" if pattern.endswith("*") else ""


def _days(model: Any) -> list[date]:
    """Return the days on which a part of the price changes."""
    conditional = [*(model.prices if isinstance(model.prices, list) else ()), *(model.price_variants or ())]
    starts = {part.constraint.start_date for part in conditional if hasattr(part.constraint, "start_date")}
    return [_EPOCH, *sorted(starts - {_EPOCH})]


def _priced_from(model: Any, day: date) -> tuple[UnitPrices, tuple[Tier, ...]]:
    """Return the ordinary prices from that day on, and the tiers."""
    ordinary, hours = _standard(model, day)
    base = _units(ordinary, 0)
    tiers = [*_by_size(ordinary, base, None)]
    for constraint, prices in hours:
        tiers.append(
            Tier(
                prices=_changed(base, _units(_keys(prices), 0)),
                from_minute=_minute(constraint.start_time),
                until_minute=_minute(constraint.end_time),
            )
        )
    for service, changes in _variants(model, day).items():
        served = {**ordinary, **changes}
        if served != ordinary:
            tiers += _by_size(served, base, service)
    return base, tuple(tiers)


def _standard(model: Any, day: date) -> tuple[dict[str, Any], list[Any]]:
    """Return the prices outside special hours, and (hours, prices) within them.

    The catalogue checks its conditions from the last to the first, so hours before the day's entry are not checked.
    """
    if not isinstance(model.prices, list):
        return _keys(model.prices), []
    chosen = model.prices[0]
    hours: list[Any] = []
    for part in model.prices:
        if part.constraint is None or (hasattr(part.constraint, "start_date") and part.constraint.start_date <= day):
            chosen, hours = part, []
        elif hasattr(part.constraint, "start_time"):
            hours.append((part.constraint, part.prices))
        elif not hasattr(part.constraint, "start_date"):
            raise NotUnderstood(type(part.constraint).__name__)
    return _keys(chosen.prices), hours


def _variants(model: Any, day: date) -> dict[str, dict[str, Any]]:
    """Return what each service tier changes from that day on; the first that names a key wins, as in the catalogue."""
    found: dict[str, dict[str, Any]] = {}
    for variant in model.price_variants or ():
        if variant.constraint is not None and not hasattr(variant.constraint, "start_date"):
            raise NotUnderstood(type(variant.constraint).__name__)
        if variant.constraint is not None and variant.constraint.start_date > day:
            continue
        if len(variant.when) == 1 and (conditions := set(variant.when) & set(_SERVICE_CONDITIONS)):
            service = found.setdefault(variant.when[conditions.pop()], {})
            for key, price in _keys(variant.prices).items():
                service.setdefault(key, price)
    return found


def _by_size(keys: Mapping[str, Any], base: UnitPrices, service: str | None) -> Iterator[Tier]:
    """Return the tiers of one service, by threshold: the first at zero, unless it is the ordinary price itself."""
    starts = sorted({0} | {tier.start for price in keys.values() for tier in getattr(price, "tiers", ())})
    for start in starts:
        if service is not None or start:
            yield Tier(prices=_changed(base, _units(keys, start)), service=service, above_tokens=start)


def _units(keys: Mapping[str, Any], above: int) -> UnitPrices:
    """Return the prices of a request above that threshold and below the next."""
    found: dict[str, int] = {}
    for key, unit in _UNITS:
        if (price := keys.get(key)) is not None and unit not in found:
            reached = [tier.price for tier in getattr(price, "tiers", ()) if tier.start <= above and above]
            dollars: Decimal = reached[-1] if reached else getattr(price, "base", price)
            units = _UNITS_OF[key.rpartition("_")[2]]
            found[unit] = int((dollars * _NANOS_A_DOLLAR * _UNITS_A_PRICE / units).to_integral_value())
    return UnitPrices(**found)


def _changed(base: UnitPrices, other: UnitPrices) -> UnitPrices:
    """Return the units in which the other differs."""
    return UnitPrices(
        **{name: getattr(other, name) for name in base.__struct_fields__ if getattr(other, name) != getattr(base, name)}
    )


def _keys(prices: Any) -> dict[str, Any]:
    return {key: price for key, price in vars(prices).items() if price is not None}


def _minute(moment: time) -> int:
    utc = datetime.combine(date(2000, 1, 2), moment).astimezone(UTC) if moment.tzinfo else moment
    return utc.hour * 60 + utc.minute
