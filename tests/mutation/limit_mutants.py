"""Defects of limits: rates, budgets, purses, and what a call takes of them and gives back."""

from tests.mutation.mutant import Mutant

RATES, IN_RATES = "domain/limits/rates.py", "tests/domain/test_rates.py"
BUDGETS, IN_BUDGETS = "domain/limits/budgets.py", "tests/domain/test_budgets.py"
RESERVE, SETTLE = "domain/limits/reserve.py", "domain/limits/settle.py"
LIMITING, PLAN = "domain/billing/limits_of_call.py", "domain/billing/plan.py"
PROOF = "domain/billing/limit_verification.py"
IN_CALLS, IN_LAWS = "tests/domain/test_limits_of_calls.py", "tests/domain/test_limit_laws.py"
IN_MONEY = "tests/domain/test_budgets_of_calls.py"
IN_CALENDAR = "tests/adapters/test_calendar.py"

# fmt: off
MUTANTS = (
    Mutant("one unit more passes", RATES,
           "if excess <= 0:", "if excess <= limit.per_unit:", (IN_RATES,)),
    Mutant("a pause earns more than the limit", RATES,
           "after = max(tat, now) + units", "after = tat + units", (IN_RATES,)),
    Mutant("a wait is a millisecond short", RATES,
           "-(-excess // limit.per_ms)", "excess // limit.per_ms", (IN_RATES,)),
    Mutant("a budget forgets its open calls", BUDGETS,
           "- spent_in(spent, budget.period) - spent.held_nanos", "- spent_in(spent, budget.period)", (IN_BUDGETS,)),
    Mutant("a clock that goes back begins a period again", BUDGETS,
           "if start_ms > getattr(", "if start_ms != getattr(", (IN_BUDGETS,)),
    Mutant("a charge counts for the period of its settlement", BUDGETS,
           'if at_ms >= getattr(spent, f"{period}_ms"):', "if at_ms:", (IN_BUDGETS,)),
    Mutant("an override never ends", "domain/limits/rows.py",
           "and now_ms < self.override_until_ms:", "and now_ms:", (IN_BUDGETS,)),
    Mutant("an alert is given with every charge", BUDGETS,
           "if was * 100 < amount * percent <= now * 100", "if amount * percent <= now * 100", (IN_BUDGETS,)),
    Mutant("one open call more than the limit", RESERVE,
           "if value >= limit.amount:", "if value > limit.amount:", (IN_CALLS,)),
    Mutant("a purse forgets its open calls", RESERVE,
           "limits.run.spent_nanos + limits.run.held_nanos", "limits.run.spent_nanos", (IN_MONEY,)),
    Mutant("the highest budget decides", RESERVE,
           "if least is None or nanos < least.nanos:", "if least is None or nanos > least.nanos:", (IN_LAWS,)),
    Mutant("a stopped run goes on", RESERVE,
           "limits.run is not None and limits.run.stopped_ms is not None", "limits.run is None", (IN_MONEY,)),
    Mutant("tokens are counted twice", SETTLE,
           "rates.moved(value, used - one.amount, one.mark)", "rates.moved(value, used, one.mark)", (IN_CALLS,)),
    Mutant("a run spends nothing", SETTLE,
           "run.spent_nanos + ended.charge_nanos", "run.spent_nanos", (IN_MONEY,)),
    Mutant("a model that did not answer is charged", SETTLE,
           "ended.charge_nanos if counts_here else 0", "ended.charge_nanos", (IN_MONEY, IN_LAWS)),
    Mutant("a stop stops nothing", PLAN,
           "limits_of_call.is_stopped(limits.limits) and", "False and", (IN_MONEY,)),
    Mutant("a budget of one model covers less than is held", PLAN,
           "if held_nanos <= one.has_nanos]", "if one.full]", (IN_MONEY,)),
    Mutant("a budget never runs out", PLAN,
           "min(wallet_nanos, max(0, top.nanos))", "wallet_nanos", (IN_MONEY,)),
    Mutant("a refusal by a removed limit", "domain/books/working_copy.py",
           "            if limit.removed_ms is None\n", "", (IN_MONEY,)),
    Mutant("a proof believes what a budget says", PROOF,
           "spent.total_nanos, self._charged.pop(", "spent.total_nanos, spent.total_nanos or self._charged.pop(",
           (IN_MONEY,)),
    Mutant("a week begins on Sunday", "adapters/calendar.py",
           "timedelta(days=day.weekday())", "timedelta(days=(day.weekday() + 1) % 7)", (IN_CALENDAR,)),
    Mutant("a day has 24 hours", "adapters/calendar.py",
           "Span(_start_ms(zone, first), _start_ms(zone, _later(first, period, 1)))",
           "Span(_start_ms(zone, first), _start_ms(zone, first) + 86_400_000)", (IN_CALENDAR,)),
)
# fmt: on
