"""The rules of the hub: pure functions over frozen values.

Import contracts and `tests/test_architecture.py` keep them pure: no await, no clock, no randomness, no float, no I/O,
and nothing from outside but msgspec. A package imports only packages below it in this list:

    management    an operator's changes, each with its audit entry
    billing       the money of one call: plan, meter, settle, sweep, rerate, verify
    books         what a rule sees of the books, what it writes, and the sums of what was used and charged
    routing       which provider and credential is tried, in which order, and why
    catalog       what can be called: vendors, providers, credentials, aliases, models
    pricing       what things cost: at most, probably, and exactly
    dialects      facts about the wire formats of vendors
    model_api     what is asked and answered, in no vendor's dialect
    ledger        who owns which credit: grants, hold, capture, release, expire
    accounts      users and keys
    refusals      every refusal, as a value
    limits        what may be used and spent: rates, budgets, purses of runs
    usage         what was used, as disjoint units
    failures      how a provider fails
"""
