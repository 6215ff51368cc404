"""The things that a document states, one by one, with their fields as JSON has them: so any two can be compared."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias, TypeVar

import msgspec

from domain.refusals import BadRequest
from entrypoints.usecases.manage import aliases
from entrypoints.usecases.manage.configuration.document import (
    BudgetEntry,
    Document,
    Kind,
    LimitEntry,
    RateEntry,
    RateTerms,
)
from entrypoints.usecases.manage.rate_actions import read_variant
from entrypoints.usecases.manage.unit_amounts import RateAmounts, rate_variant
from entrypoints.usecases.public_types import written

Parts: TypeAlias = tuple[str, ...]
_Thing = TypeVar("_Thing")

_COUNTED = re.compile(r"(?:(.*) )?\(([1-9][0-9]{0,5})\)", re.DOTALL)
_PRICED = (*RateAmounts.__struct_fields__, "variants", "tiers")


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One thing: `parts` are its name, `path` is where the document has it, `fields` are what is stated of it."""

    kind: Kind
    parts: Parts
    path: str
    fields: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The thing, for people."""
        match self.kind, self.parts:
            case "limits", (subject, measure, per):
                return f"{measure}{f' in {per}' if per else ''} for {subject}"
            case "budgets", (subject, period):
                return f"{period} for {subject}"
            case "rates", (model, since):
                return f"{model} from {since}" if since else model
        return "/".join(self.parts)


class WrongItem(Exception):
    """Something in the document is not possible; the refusal names its path."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.refusal = BadRequest(field=path, problem=problem)


def label(name: str, number: int) -> str:
    """How a document names the `number`-th of the things of one name: "team", "team (2)", or "(1)" without a name."""
    if number == 1 and name and not _COUNTED.fullmatch(name):
        return name
    return f"{name} ({number})" if name else f"({number})"


def name_in(text: str) -> str:
    """The name of the thing that a document calls so."""
    return _named(text)[0]


def _named(text: str) -> tuple[str, int]:
    """The name, and the how manieth of that name is meant."""
    counted = _COUNTED.fullmatch(text)
    return (counted[1] or "", int(counted[2])) if counted else (text, 1)


def _counted(things: Mapping[str, _Thing]) -> list[tuple[str, _Thing]]:
    """The things, those of one name in the order of their numbers: so they are made in it."""
    return sorted(things.items(), key=lambda pair: _named(pair[0])[1])


def _check_labels(path: str, texts: Iterable[str]) -> None:
    """Raise WrongItem unless the things of one name are counted from the first."""
    named = {_named(text) for text in texts}
    for text in texts:
        name, number = _named(text)
        if number > 1 and (name, number - 1) not in named:
            raise WrongItem(f"{path}.{text}", f"state {label(name, number - 1)!r} too, of which this is the next")


def items_of(document: Document, now_ms: int) -> list[Item]:
    """Everything that the document states, users first. Raises WrongItem."""
    found = [*_accounts(document, now_ms), *_providers(document), *_rates(document, now_ms), *_aliases(document)]
    found += [limit_item(entry, f"limits[{n}]") for n, entry in enumerate(document.limits)]
    found += [budget_item(entry, f"budgets[{n}]") for n, entry in enumerate(document.budgets)]
    seen: dict[tuple[str, Parts], str] = {}
    for item in found:
        if (before := seen.setdefault((item.kind, item.parts), item.path)) != item.path:
            raise WrongItem(item.path, f"it is stated twice: {before} is for the same")
    return found


def _accounts(document: Document, now_ms: int) -> Iterator[Item]:
    for user, entry in document.users.items():
        path = f"users.{user}"
        yield Item(kind="users", parts=(user,), path=path, fields=_fields(entry, "keys"))
        _check_labels(f"{path}.keys", entry.keys)
        for key, terms in _counted(entry.keys):
            if not terms.expires or terms.expires > now_ms:  # Of one that has expired nothing is kept or made.
                yield Item(kind="keys", parts=(user, key), path=f"{path}.keys.{key}", fields=_fields(terms))


def _providers(document: Document) -> Iterator[Item]:
    for name, entry in document.providers.items():
        path = f"providers.{name}"
        fields = _fields(entry, "credentials")
        if isinstance(url := fields.get("base_url"), str):
            fields["base_url"] = url.rstrip("/")
        yield Item(kind="providers", parts=(name,), path=path, fields=fields)
        _check_labels(f"{path}.credentials", entry.credentials)
        for credential, held in _counted(entry.credentials):
            where = f"{path}.credentials.{credential}"
            yield Item(kind="credentials", parts=(name, credential), path=where, fields=_fields(held))


def _rates(document: Document, now_ms: int) -> Iterator[Item]:
    """The rate of each model that holds now by the document, and those that will."""
    for model, entry in document.rates.items():
        path = f"rates.{model}"
        begun = [(later.since, n) for n, later in enumerate(entry.later) if later.since <= now_ms]
        if begun:
            _, n = max(begun)
            yield _rate(model, "", entry.later[n], f"{path}.later[{n}]")
        elif fields := _fields(entry, "later"):
            yield _rate(model, "", entry, path, fields)
        for n, later in enumerate(entry.later):
            if later.since > now_ms:
                yield _rate(model, written(later.since), later, f"{path}.later[{n}]")


def _rate(model: str, since: str, terms: RateTerms, path: str, fields: dict[str, Any] | None = None) -> Item:
    """A rate; its prices are stated as a whole, so those that are left out are none."""
    stated = _fields(terms, "from") if fields is None else fields
    if isinstance(terms.variants, list):
        try:
            variants = [rate_variant(read_variant(one)) for one in terms.variants]
        except ValueError as error:
            raise WrongItem(f"{path}.variants", str(error)) from None
        stated["variants"] = [_fields(one) for one in variants]
    if not stated.keys().isdisjoint(_PRICED):
        text = {} if "input" in stated or "output" in stated else {"input": "0", "output": "0"}
        stated |= text | {name: None for name in _PRICED if name not in {*stated, *text}}
    return Item(kind="rates", parts=(model, since), path=path, fields=stated)


def _aliases(document: Document) -> Iterator[Item]:
    for name, entry in document.aliases.items():
        path = f"aliases.{name}"
        fields = _fields(entry)
        for n, text in enumerate(fields.get("targets", ())):
            target = aliases.read_target(text)
            if isinstance(target, BadRequest):
                raise WrongItem(f"{path}.targets[{n}]", target.problem)
            fields["targets"][n] = aliases.short_target(target)
        yield Item(kind="aliases", parts=(name,), path=path, fields=fields)


def limit_item(entry: LimitEntry, path: str) -> Item:
    """A limit; its amount is all that can change."""
    is_rate = entry.measure in ("requests", "tokens")
    per = written(entry.per) if entry.per is not None else "1m" if is_rate else ""
    parts = (_subject(entry, path), entry.measure, per if is_rate else "")
    return Item(kind="limits", parts=parts, path=path, fields={"amount": entry.amount})


def budget_item(entry: BudgetEntry, path: str) -> Item:
    """A budget of a subject for a period."""
    fields = _fields(entry, "period", "user", "key", "model")
    if "alerts" in fields:
        fields["alerts"] = sorted(set(fields["alerts"]))
    return Item(kind="budgets", parts=(_subject(entry, path), entry.period), path=path, fields=fields)


def _subject(entry: LimitEntry | BudgetEntry, path: str) -> str:
    """`user:alice`, `key:alice/laptop`, `model:openai/gpt-5` or `hub`."""
    named = [(kind, name) for kind in ("user", "key", "model") if (name := getattr(entry, kind)) is not None]
    if len(named) > 1:
        raise WrongItem(path, "it is for a user, a key or a model, not for several of them")
    return f"{named[0][0]}:{named[0][1]}" if named else "hub"


def _fields(entry: msgspec.Struct, *without: str) -> dict[str, Any]:
    """What the entry states, as JSON has it: an empty text is none."""
    stated: dict[str, Any] = msgspec.to_builtins(entry, enc_hook=written)
    return {name: None if value == "" else value for name, value in stated.items() if name not in without}


def stated_rate(fields: Mapping[str, Any], read: Any) -> RateEntry:
    """The terms of a rate from its fields."""
    given = {name: value for name, value in fields.items() if value is not None}
    return msgspec.convert(given, RateEntry, dec_hook=read)
