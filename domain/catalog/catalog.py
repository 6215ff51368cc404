"""What can be called: providers, credentials, rates and aliases at one version, as one immutable snapshot."""

from collections.abc import Iterable
from difflib import get_close_matches
from functools import lru_cache

import msgspec

from domain.catalog.aliases import Alias
from domain.catalog.rows import Credential, ProviderRow
from domain.catalog.vendors import VENDORS
from domain.pricing.price_book import Names, matches, spellings
from domain.pricing.rate import Rate
from domain.refusals import UnknownModel, UnpricedModel

# How many names are suggested for another, and how much of that one is compared.
_SHOWN_MAX, _COMPARED_MAX = 3, 100


class OtherNames(msgspec.Struct, frozen=True, eq=False):
    """Further names of one provider's models. Compared by identity, so that it can be a cache key."""

    names: tuple[tuple[Names, str], ...]


class Catalog(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is neither removed nor disabled. `rates` has each model's versions, the last known one last.

    `other_names` holds, by provider, the further names of models whose rates were made from the price book. `known_ms`
    is when the newest rate became known: a clock that shows an earlier time has gone back, and no known rate is in the
    future.
    """

    version: int
    providers: dict[str, ProviderRow]
    credentials: dict[str, tuple[Credential, ...]]
    rates: dict[tuple[str, str], tuple[Rate, ...]]
    aliases: dict[str, Alias] = {}
    other_names: dict[str, OtherNames] = {}
    known_ms: int = 0

    def present_ms(self, now_ms: int) -> int:
        """The time at which the catalogue is read, corrected for a clock that has gone back."""
        return max(now_ms, self.known_ms)


class Served(msgspec.Struct, frozen=True, kw_only=True):
    """A provider that serves a model, with the rate that holds now (None: it has none).

    `dialect` is that of the call, where it is not that of the provider's chat. `dropped` are the parameters that the
    call is sent without, and `hosted` whether tools that it runs itself go along.
    """

    provider: ProviderRow
    model: str
    rate: Rate | None
    dialect: str | None = None
    dropped: tuple[str, ...] = ()
    hosted: bool = True


class CatalogRows(msgspec.Struct, frozen=True, kw_only=True):
    """The rows that a catalogue is made of, at one version: all that is not removed.

    `rates` are, of each model, all versions since it was last taken from sale.
    """

    version: int
    providers: list[ProviderRow]
    credentials: list[Credential]
    rates: list[Rate]
    aliases: list[Alias]

    def indexed(self) -> Catalog:
        """The catalogue of these rows."""
        return catalog_of(self.version, self.providers, self.credentials, self.rates, self.aliases)


def catalog_of(
    version: int,
    providers: Iterable[ProviderRow],
    credentials: Iterable[Credential],
    rates: Iterable[Rate],
    aliases: Iterable[Alias] = (),
) -> Catalog:
    """Index the rows as they come from storage."""
    by_provider: dict[str, list[Credential]] = {}
    for credential in credentials:
        by_provider.setdefault(credential.provider, []).append(credential)
    by_model: dict[tuple[str, str], list[Rate]] = {}
    known_ms = 0
    for rate in sorted(rates, key=lambda rate: (rate.effective_ms, rate.known_ms, rate.id)):
        known_ms = max(known_ms, rate.known_ms)
        by_model.setdefault((rate.provider, rate.model), []).append(rate)
    other_names: dict[str, list[tuple[Names, str]]] = {}
    for (provider, model), versions in by_model.items():
        if versions[-1].names:
            other_names.setdefault(provider, []).append((versions[-1].names, model))
    return Catalog(
        version=version,
        providers={provider.name: provider for provider in providers if provider.disabled_ms is None},
        credentials={name: tuple(held) for name, held in by_provider.items()},
        rates={model: tuple(versions) for model, versions in by_model.items()},
        aliases={alias.name: alias for alias in aliases},
        other_names={provider: OtherNames(tuple(names)) for provider, names in other_names.items()},
        known_ms=known_ms,
    )


def rate_at(catalog: Catalog, provider: str, model: str, now_ms: int) -> Rate | None:
    """The version that holds at `now_ms`; None if the model has no rate then."""
    for rate in reversed(versions_of(catalog, provider, model)):
        if rate.effective_ms <= now_ms:
            return None if rate.removed else rate
    return None


def next_change_ms(catalog: Catalog, now_ms: int) -> int | None:
    """The first time after `now_ms` at which another version of some rate begins to hold; None if there is none."""
    coming = (rate.effective_ms for versions in catalog.rates.values() for rate in versions)
    return min((at_ms for at_ms in coming if at_ms > now_ms), default=None)


def known_at(versions: Iterable[Rate], moment_ms: int) -> Rate | None:
    """The version that held at a time by what was known then, even if it ended the sale."""
    known = [rate for rate in versions if rate.effective_ms <= moment_ms and rate.known_ms <= moment_ms]
    return known[-1] if known else None


def versions_of(catalog: Catalog, provider: str, model: str) -> tuple[Rate, ...]:
    """All versions of a model's rate: those of its exact name if there are any, else those for all its names."""
    versions = catalog.rates.get((provider, model), ())
    if not versions and (other_names := catalog.other_names.get(provider)) and (called := _called(other_names, model)):
        versions = catalog.rates[provider, called]
    return versions


def is_rated(catalog: Catalog, name: str) -> bool:
    """Whether there is any version of a rate for a model of that name, `provider/model` or bare."""
    provider_name, _, rest = name.partition("/")
    providers = {provider for provider, _ in catalog.rates}
    candidates = ((provider_name, rest), *((provider, name) for provider in providers))
    return any(versions_of(catalog, provider, model) for provider, model in candidates)


def priced(catalog: Catalog, now_ms: int) -> list[Served]:
    """Every model that has a rate now, by provider and name."""
    now_ms = catalog.present_ms(now_ms)
    return [
        Served(provider=catalog.providers[provider], model=model, rate=rate)
        for provider, model in sorted(catalog.rates)
        if provider in catalog.providers and (rate := rate_at(catalog, provider, model, now_ms))
    ]


def listed_models(catalog: Catalog, now_ms: int) -> list[Served]:
    """Every model that has a rate now and is not hidden, by provider and name."""
    return [served for served in priced(catalog, now_ms) if served.rate is not None and not served.rate.hidden]


def serving(catalog: Catalog, name: str, billed: bool, now_ms: int) -> list[Served] | UnknownModel | UnpricedModel:
    """Who serves the model of that name, `provider/model` or bare.

    A bare model is served by every provider that has a rate of exactly that name, and by the vendors whose models have
    such names. With billing on, a model without a rate is not sold.
    """
    now_ms = catalog.present_ms(now_ms)
    provider_name, _, rest = name.partition("/")
    if rest and (provider := catalog.providers.get(provider_name)):
        found = [Served(provider=provider, model=rest, rate=rate_at(catalog, provider_name, rest, now_ms))]
    else:
        found = [
            Served(provider=provider, model=name, rate=rate)
            for provider in catalog.providers.values()
            if (rate := _bare_rate(catalog, provider.name, name, now_ms)) or _is_of_vendor(provider.name, name)
        ]
    if not found:
        return UnknownModel(model=name, similar=similar(catalog, name, now_ms))
    sold = [served for served in found if served.rate is not None]
    if billed and not sold:
        return UnpricedModel(model=name, similar=similar(catalog, name, now_ms))
    return sold if billed else found


@lru_cache(maxsize=4096)
def _called(other_names: OtherNames, name: str) -> str | None:
    """The model that has the name as a further name."""
    return next(
        (model for spelled in spellings(name) for names, model in other_names.names if matches(names, spelled)), None
    )


def _bare_rate(catalog: Catalog, provider: str, name: str, now_ms: int) -> Rate | None:
    """A bare name means the maker's model; resellers are called as `provider/model`."""
    if (provider, name) in catalog.rates or _is_of_vendor(provider, name):
        return rate_at(catalog, provider, name, now_ms)
    return None


def _is_of_vendor(provider: str, model: str) -> bool:
    vendor = VENDORS.get(provider)
    return vendor is not None and model.startswith(vendor.patterns)


def similar(catalog: Catalog, name: str, now_ms: int) -> tuple[str, ...]:
    """Some existing model names that are similar to this one, the most similar first; all of them if they are few."""
    names = [f"{served.provider.name}/{served.model}" for served in listed_models(catalog, now_ms)]
    if len(names) <= _SHOWN_MAX:
        return tuple(names)
    by_bare_name: dict[str, list[str]] = {}
    for known in names:
        by_bare_name.setdefault(known.rpartition("/")[2].lower(), []).append(known)
    compared = name.rpartition("/")[2].lower()[:_COMPARED_MAX]
    near = [known for bare in get_close_matches(compared, by_bare_name, _SHOWN_MAX) for known in by_bare_name[bare]]
    return tuple(near[:_SHOWN_MAX])
