"""Defects of what operators do to credit by hand, and of the notices about it."""

from tests.mutation.mutant import Mutant

WALLETS, IN_WALLETS = "domain/management/wallets.py", "tests/domain/test_wallets.py"

# fmt: off
MUTANTS = (
    Mutant("a voided grant can be spent", "domain/ledger/rows.py",
           "return self.voided_ms is not None or (", "return (", (IN_WALLETS,)),
    Mutant("a void is booked as breakage", "domain/ledger/ledger.py",
           'kind="breakage" if grant.voided_ms is None else "void"', 'kind="breakage"', (IN_WALLETS,)),
    Mutant("a sweep leaves what comes back of a voided grant", "domain/billing/sweep.py",
           "if grant.is_over(now_ms) and grant.available_nanos:",
           "if grant.voided_ms is None and grant.is_over(now_ms) and grant.available_nanos:", (IN_WALLETS,)),
    Mutant("more is taken by hand than is available", WALLETS,
           "if nanos <= has_nanos:", "if nanos <= has_nanos + sum(grant.held_nanos for grant in grants):", (IN_WALLETS,)),
    Mutant("what is transferred never expires", "domain/ledger/ledger.py",
           "            held_nanos=0,\n            effective_ms=", "            expires_ms=None,\n            held_nanos=0,\n            effective_ms=",
           (IN_WALLETS,)),
    Mutant("credit is sent to oneself", WALLETS,
           "if facts.sender.id == facts.receiver.id:", "if facts.sender is facts:", (IN_WALLETS,)),
    Mutant("the proof forgets what was withdrawn", "domain/billing/verification.py",
           "rest = -issued - revenue - breakage - withdrawn - self._available",
           "rest = -issued - revenue - breakage - self._available", (IN_WALLETS,)),
)
# fmt: on
