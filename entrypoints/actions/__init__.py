"""The action table: everything that an operator or a user can do besides calling models.

Each action is declared once, in the module of its noun, with its request, reply, permission, words and handler. The
command line and the command part of the reference are made from the table. A module of actions imports its use cases,
so the index below lets `aihub --help` name every noun without loading any of them.
"""

from collections.abc import Mapping
from typing import NamedTuple


class Noun(NamedTuple):
    """A noun of the table, or a command of one word: what it stands for, and the module that declares its actions."""

    meaning: str
    module: str


NOUNS: Mapping[str, Noun] = {
    "sweep": Noun("give back what dead processes held, and end expired credit", "entrypoints.actions.books"),
    "master-key": Noun("the key under which secrets are sealed", "entrypoints.actions.books"),
    "backup": Noun("write a complete copy of the books while the hub runs", "entrypoints.actions.books"),
    "provider": Noun("the vendors and servers that answer calls", "entrypoints.actions.providers"),
    "credential": Noun("the secrets that providers are called with", "entrypoints.actions.providers"),
    "rate": Noun("what models are sold for", "entrypoints.actions.rates"),
    "rerate": Noun(
        "charge past calls again after their rate was corrected; shows what would move", "entrypoints.actions.rates"
    ),
    "quote": Noun(
        "report what a request would be charged with billing on, spending nothing", "entrypoints.actions.quotes"
    ),
    "price": Noun("what providers ask, in dollars", "entrypoints.actions.prices"),
    "alias": Noun("names for a choice of models", "entrypoints.actions.routing"),
    "route": Noun("where calls go", "entrypoints.actions.routing"),
    "user": Noun("who may call", "entrypoints.actions.users"),
    "team": Noun("users who share keys, limits and perhaps a wallet", "entrypoints.actions.teams"),
    "member": Noun("who belongs to a team", "entrypoints.actions.teams"),
    "key": Noun("the API keys that callers show", "entrypoints.actions.users"),
    "credit": Noun("what users can spend", "entrypoints.actions.credit"),
    "grant": Noun("pieces of credit in a wallet", "entrypoints.actions.credit"),
    "webhook": Noun("where notices are sent", "entrypoints.actions.notices"),
    "notice": Noun("crossings of thresholds and budgets", "entrypoints.actions.notices"),
    "limit": Noun("how much may be called", "entrypoints.actions.limits"),
    "budget": Noun("what may be spent in a period", "entrypoints.actions.limits"),
    "run": Noun("the purses of agents' runs", "entrypoints.actions.limits"),
    "exposure": Noun("what may still be owed to providers", "entrypoints.actions.limits"),
    "call": Noun("what was called, used and charged", "entrypoints.actions.calls"),
    "stats": Noun("sums of what was used and charged", "entrypoints.actions.stats"),
    "apply": Noun(
        "make the hub's configuration that of a file: YAML, TOML or JSON", "entrypoints.actions.configuration"
    ),
    "export": Noun(
        "write the hub's configuration as a file, which `aihub apply` takes", "entrypoints.actions.configuration"
    ),
    "import": Noun("take over what another gateway has", "entrypoints.actions.imports"),
    "ledger": Noun("the journal of all credit", "entrypoints.actions.books"),
}
