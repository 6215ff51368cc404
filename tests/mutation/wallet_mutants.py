"""Defects of what operators do to credit by hand, and of the notices about it."""

from tests.mutation.mutant import Mutant

WALLETS, IN_WALLETS = "domain/management/wallets.py", "tests/domain/test_wallets.py"
NOTICES, IN_NOTICES = "domain/limits/notices.py", "tests/domain/test_notices.py"
WEBHOOKS, IN_WEBHOOKS = "domain/management/webhooks.py", "tests/entrypoints/test_webhooks.py"

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
    Mutant("credit is added for a team without a wallet", WALLETS,
           'return no_wallet(facts.user, "user")', "pass", (IN_WALLETS,)),
    Mutant("what is transferred never expires", "domain/ledger/ledger.py",
           "            held_nanos=0,\n            effective_ms=", "            expires_ms=None,\n            held_nanos=0,\n            effective_ms=",
           (IN_WALLETS,)),
    Mutant("credit is sent to oneself", WALLETS,
           "if facts.sender.id == facts.receiver.id:", "if facts.sender is facts:", (IN_WALLETS,)),
    Mutant("the proof forgets what was withdrawn", "domain/billing/verification.py",
           "rest = -issued - revenue - breakage - withdrawn - self._available",
           "rest = -issued - revenue - breakage - self._available", (IN_WALLETS,)),
    Mutant("a balance at its threshold counts as low", NOTICES,
           "if not after_nanos < threshold_nanos <= before_nanos:",
           "if not after_nanos <= threshold_nanos <= before_nanos:", (IN_NOTICES,)),
    Mutant("a low balance is reported with every call", NOTICES,
           "if not after_nanos < threshold_nanos <= before_nanos:", "if not after_nanos < threshold_nanos:",
           (IN_NOTICES,)),
    Mutant("a wallet's own threshold is ignored", NOTICES,
           "return (default_nanos if own_nanos is None else own_nanos) or 0", "return default_nanos or 0", (IN_NOTICES,)),
    Mutant("credit that expires crosses no threshold", "domain/billing/sweep.py",
           "before - grant.available_nanos", "before", (IN_NOTICES,)),
    Mutant("budgets do not count what is charged again", "domain/limits/settle.py",
           "after = budgets.charged(before, 0, nanos, one.mark)", "after = budgets.charged(before, 0, 0, one.mark)",
           (IN_NOTICES,)),
    Mutant("two processes claim one notice", WEBHOOKS,
           "due_ms=now_ms + CLAIM_MS)", "due_ms=now_ms)", (IN_NOTICES, IN_WEBHOOKS)),
    Mutant("a claim lasts for ever", WEBHOOKS,
           "due_ms=now_ms + CLAIM_MS)", "due_ms=None)", (IN_NOTICES, IN_WEBHOOKS)),
    Mutant("a notice is tried for ever", WEBHOOKS,
           "over = final or one.attempts >= ATTEMPTS_MAX", "over = final", (IN_NOTICES,)),
    Mutant("what was delivered is sent again", WEBHOOKS,
           "if one.delivered_ms is not None:", "if False:", (IN_NOTICES,)),
    Mutant("the time is not signed", "entrypoints/usecases/manage/webhooks.py",
           'f"{message_id}.{at_s}.".encode() + body', 'f"{message_id}.".encode() + body', (IN_WEBHOOKS,)),
    Mutant("a private address is called", "adapters/webhooks.py",
           "if not self._private and (", "if self._private and (", (IN_WEBHOOKS,)),
    Mutant("an error ends the delivery of notices", "entrypoints/usecases/manage/notice_delivery.py",
           "except Exception as problem:", "except StorageError as problem:", (IN_WEBHOOKS,)),
)
# fmt: on
