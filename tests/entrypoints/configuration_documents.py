"""Documents of configurations, as Hypothesis draws them: of every kind of thing, valid as a whole."""

from functools import partial
from typing import Any

import msgspec
from hypothesis import strategies as st

from domain.catalog.aliases import flaw
from domain.refusals import BadRequest
from entrypoints.usecases.manage.aliases import SetAlias, read_alias
from entrypoints.usecases.manage.configuration.document import Document
from entrypoints.usecases.manage.configuration.items import label
from entrypoints.usecases.public_types import Credits, read, written

NOW = 1_900_000_000_000


def document(stated: dict[str, Any]) -> Document:
    return msgspec.convert(stated, Document, dec_hook=partial(read, NOW))


WORDS = st.sampled_from(("team", "env OPENAI_API_KEY #1", "x (2)", "", "a b", "a_b"))
AMOUNT = st.integers(0, 10**12).map(lambda nanos: written(Credits(nanos)))
MODELS = ("openai/gpt-5", "openai/o3", "local/llama", "local/x@1")
LATER = st.sampled_from(("2031-01-01", "2032-06-01T12:00:00Z"))


def terms(**more: Any) -> st.SearchStrategy[dict[str, Any]]:
    tiers = st.lists(
        st.fixed_dictionaries({"prices": st.fixed_dictionaries({"input": AMOUNT}), "above_tokens": st.just(200_000)}),
        max_size=1,
    )
    return st.fixed_dictionaries(
        {"input": AMOUNT, "output": AMOUNT, **more},
        optional={
            "cache_read": AMOUNT,
            "image": st.sampled_from(("0.04", "1")),
            "variants": st.just([{"size": "1024x1024", "quality": "high", "image": "0.2"}]),
            "tiers": tiers,
            "names": st.just(["=gpt", ["^gpt-", "$x"]]),
            "context": st.integers(1, 10**6),
            "max_output": st.one_of(st.none(), st.integers(1, 10**6)),
            "capabilities": st.sampled_from(([], ["tools", "images"])),
            "display_name": st.sampled_from(("GPT five", "")),
            "hidden": st.booleans(),
            "source": st.sampled_from(("operator", "aigne")),
        },
    )


def rates() -> st.SearchStrategy[dict[str, Any]]:
    later = st.lists(terms(**{"from": LATER}), max_size=2, unique_by=lambda one: str(one["from"]))
    piece = st.just({"image": "0.04"})  # without a price for text
    return st.builds(lambda now, then: now | ({"later": then} if then else {}), st.one_of(terms(), piece), later)


TARGET = st.tuples(
    st.sampled_from((*MODELS, "gpt-5", "fast", "smart", "cheap")), st.sampled_from(("", "@1", "*3", "@0*2", "@0"))
).map("".join)
ALIAS = st.fixed_dictionaries(
    {"targets": st.lists(TARGET, min_size=1, max_size=3, unique_by=lambda text: text[:5])},
    optional={
        "strategy": st.sampled_from(("round-robin", "least-cost")),
        "canary": st.sampled_from((None, "openai/o3=5%")),
        "first_token_timeout_s": st.one_of(st.none(), st.integers(1, 60)),
    },
)
KEY = st.fixed_dictionaries(
    {},
    optional={
        "purpose": st.sampled_from(("models", "management", "both")),
        "models": st.sampled_from(([], ["openai/*", "gpt-5"])),
        "operations": st.sampled_from(([], ["chat"])),
        "app": st.sampled_from((None, "", "did:app")),
        "expires": st.sampled_from((None, "2031-01-01")),
        "enabled": st.booleans(),
    },
)
USER = st.fixed_dictionaries(
    {},
    optional={
        "role": st.sampled_from(("owner", "admin", "guest")),
        "email": st.sampled_from((None, "", "a@example.com")),
        "display_name": st.sampled_from(("", "Alice A.")),
        "enabled": st.booleans(),
        "keys": st.sampled_from((("laptop", "(1)"), ("laptop", "laptop (2)"), ("x (2) (1)", "x (2) (2)"), ())).flatmap(
            lambda names: st.fixed_dictionaries(dict.fromkeys(names, KEY))
        ),
    },
)
CREDENTIALS = st.dictionaries(
    WORDS.map(lambda word: label(word, 1)),
    st.integers(1, 200).map(lambda weight: {"weight": weight}),
    max_size=3,
)


def provider(name: str, **fields: Any) -> st.SearchStrategy[dict[str, Any]]:
    def with_secrets(entry: dict[str, Any], held: dict[str, Any]) -> dict[str, Any]:
        secrets = {one: {**kept, "secret": f"env:{name}/{one}"} for one, kept in held.items()}
        return {**fields, **entry, "credentials": secrets}

    entry = st.fixed_dictionaries(
        {},
        optional={
            "display_name": st.sampled_from((None, "", "Shown")),
            "priority": st.integers(0, 3),
            "weight": st.integers(1, 3),
            "enabled": st.booleans(),
            "exposure_cap": st.sampled_from((None, "50", "0.5")),
        },
    )
    return st.builds(with_secrets, entry, CREDENTIALS)


SUBJECT = st.sampled_from(({}, {"user": "alice"}, {"user": "*"}, {"key": "alice/laptop"}, {"model": "gpt-5"}))
LIMIT = st.builds(
    lambda subject, what, amount: {**subject, **what, "amount": amount},
    SUBJECT,
    st.sampled_from(({"measure": "requests"}, {"measure": "tokens", "per": "1h"}, {"measure": "concurrency"})),
    st.integers(1, 1000),
)
BUDGET = st.builds(
    lambda subject, period, more: {**subject, "period": period, **more},
    SUBJECT,
    st.sampled_from(("day", "month", "total")),
    st.fixed_dictionaries(
        {"amount": AMOUNT},
        optional={"time_zone": st.sampled_from(("UTC", "Asia/Kolkata")), "alerts": st.just([100, 80])},
    ),
)


def subject(entry: dict[str, Any]) -> str:
    return str([entry.get(name) for name in ("user", "key", "model", "measure", "period")])


@st.composite
def documents(draw: st.DrawFn) -> Document:
    stated: dict[str, Any] = {
        "providers": {"openai": draw(provider("openai")), "local": draw(provider("local", **LOCAL))},
        "rates": draw(st.dictionaries(st.sampled_from(MODELS), rates(), max_size=3)),
        "aliases": draw(st.dictionaries(st.sampled_from(("fast", "smart", "cheap")), ALIAS).filter(leads_somewhere)),
        "users": {"alice": {"keys": {"laptop": {}}}} | draw(st.dictionaries(st.sampled_from(("bob", "eve")), USER)),
        "limits": draw(st.lists(LIMIT, max_size=4, unique_by=subject)),
        "budgets": draw(st.lists(BUDGET, max_size=4, unique_by=subject)),
    }
    return document(stated)


LOCAL = {"dialect": "openai", "base_url": "http://127.0.0.1:1/v1/"}


def leads_somewhere(aliases: dict[str, Any]) -> bool:
    """Whether no alias leads back to itself, and none names a model twice."""
    made = {
        name: read_alias(SetAlias(name=name, targets=tuple(entry["targets"])), name, 0)
        for name, entry in aliases.items()
    }
    rows = {name: alias for name, alias in made.items() if not isinstance(alias, BadRequest)}
    return len(rows) == len(made) and flaw(rows) is None
