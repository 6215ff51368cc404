"""The rooms where the hub decides: pure functions over plain frozen values.

House rules, kept by import contracts and `tests/test_architecture.py`: no await, no clock, no
randomness, no float, no I/O, and nothing from outside but msgspec.

    money         nanocredits, and the only place that rounds
    chat          what is said: messages in, events out, in no vendor's dialect
    calls         what was asked, as far as the hub must know it
    vendors       the vendors known by name: data
    usage         what was used, as disjoint units
    metering      reading along, exactly or by estimate
    failures      how a provider fails
    pricing       what it costs: rates, and the charge of a usage
    bounds        the most that a call can use, before it is made
    ledger        who owns which credit: grants, hold, capture, release, expire
    catalog       what can be called: providers, credentials, rates, as one immutable snapshot
    routing       which provider and credential is tried next
    health        what is cooling down
    plan          whether a call may start, and what is held for it
    settlement    how a call ends, and what is captured for it
    sweep         what the dead left open, closed
    management    users, keys, providers, credentials, rates and grants changed, with their audit entry
    verification  the books derived again from the journal
    books         the rows, and the working copy of them
    scopes        what a rule asks to see
    refusals      every way to say no
"""
