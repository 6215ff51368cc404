"""An operator's changes, each with its audit entry.

Its modules:

    account_changes    changes of users and keys that exist
    bulk_rates         new rates for all models whose price is known
    changes            changes of users, keys, providers, credentials, rates, aliases and grants
    guarded_changes    a change of only what was read before, and once for an Idempotency-Key
    limits             changes of limits, budgets, purses and caps of exposure
    price_sync         what a newer price catalogue changes, and whether it is appended
    provider_changes   changes of providers, credentials and listings that exist
    rates_from_prices  rates made from the price book with a margin
    teams              teams, their members and their keys
    wallets            changes of credit by hand: void, adjust, transfer
    webhooks           the webhook of the hub, and the delivery of notices
"""
