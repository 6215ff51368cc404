"""Defects of the rules of teams: whose keys are valid, whose wallet pays, and who manages what."""

from tests.mutation.mutant import Mutant

_MONEY = "tests/domain/test_team_money.py"
_RULES = "tests/domain/test_teams.py"

MUTANTS = (
    Mutant("a key of a team outlives the membership", "domain/accounts/identity.py",
           "return member is not None and member.removed_ms is None\n", "return member is not None\n",
           (f"{_MONEY}::test_a_removed_member_starts_no_call_and_open_ones_settle",)),
    Mutant("a team without a wallet pays", "domain/accounts/identity.py",
           'if key.wallet == "team" and not found.team.has_wallet else None', "if False else None",
           (f"{_RULES}::test_a_key_of_a_team_is_invalid_without_membership_team_or_wallet",)),
    Mutant("the user pays for the team", "domain/accounts/rows.py",
           'return self.team_id if self.wallet == "team" and self.team_id is not None else self.user_id',
           "return self.user_id",
           (f"{_MONEY}::test_charges_of_a_team_land_on_its_wallet_and_no_stranger_spends_it",)),
    Mutant("the team pays for the user", "domain/accounts/rows.py",
           'return self.team_id if self.wallet == "team" and self.team_id is not None else self.user_id',
           "return self.team_id or self.user_id",
           (f"{_MONEY}::test_a_key_of_a_team_that_its_user_pays_for_takes_from_the_user",)),
    Mutant("calls of a team are not limited by it", "domain/books/call_steps.py",
           "teams = () if key.team_id is None else (key.team_id,)", "teams = ()",
           (f"{_MONEY}::test_limits_of_a_team_hold_for_all_its_keys_and_for_no_others",)),
    Mutant("a call does not know its payer", "domain/billing/plan.py",
           'wallet_id=key.team_id if key.wallet == "team" else None', "wallet_id=None",
           (f"{_MONEY}::test_a_call_with_a_key_of_a_team_is_charged_to_the_team_and_recorded_with_it",)),
    Mutant("a key of a team has the role of its user", "domain/accounts/identity.py",
           'return self.user.role if self.key.team_id is None else "guest"', "return self.user.role",
           (f"{_RULES}::test_the_holder_of_a_key_of_a_team_is_a_caller_while_a_member",)),
    Mutant("any member manages a team", "domain/accounts/identity.py",
           "return member is not None and member.removed_ms is None and member.is_admin",
           "return member is not None and member.removed_ms is None",
           (f"{_RULES}::test_a_member_who_is_no_admin_is_refused_and_a_stranger_does_not_learn_whether_there_is_a_team",)),
    Mutant("an admin of a team manages keys that are not of it", "domain/management/changes.py",
           "of_own_team = key is not None and key.team_id is not None and is_team_admin(facts.acting)",
           "of_own_team = is_team_admin(facts.acting)",
           (f"{_RULES}::test_an_admin_of_a_team_manages_its_keys_and_no_others",)),
    Mutant("an admin of the hub gets a key in clear that an owner pays for", "domain/management/account_changes.py",
           "    return guarded(actor, user)\n", "    return None\n",
           (f"{_RULES}::test_only_an_owner_gets_a_key_in_clear_that_an_owner_pays_for",)),
    Mutant("a re-rate is paid by the user", "domain/books/scopes.py",
           "grants=books.wallet(call.payer_id) if call else (),", "grants=books.wallet(call.user_id) if call else (),",
           (f"{_MONEY}::test_a_re_rate_of_a_team_s_call_moves_the_credit_of_the_team",)),
)  # fmt: skip
