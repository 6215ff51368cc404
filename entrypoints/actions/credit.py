"""Actions on the credit of users."""

from entrypoints.actions.action import Action, Argument
from entrypoints.usecases.manage import credit, wallets

_USER, _AMOUNT = Argument("user", "USER"), Argument("amount", "AMOUNT")
_REASON = Argument("reason", "--reason", "TEXT")
_GRANT_ID = Argument("id", "ID", help="as `aihub credit balance` shows it")

ACTIONS = (
    Action(
        name="credit grant",
        meaning="give a user credit",
        details="Grants are spent by priority, then by earliest expiry.",
        example="aihub credit grant alice 5 --expires-in 30d",
        permission="manage credit",
        is_change=True,
        begins_books=True,
        request=credit.GrantCredit,
        reply=credit.CreditGranted,
        handler=credit.grant_credit,
        arguments=(
            _USER,
            _AMOUNT,
            Argument("expires_in", "--expires-in", "TIME"),
            Argument("priority", "--priority", "N"),
        ),
    ),
    Action(
        name="credit balance",
        meaning="show what a user can spend",
        example="aihub credit balance alice",
        permission="see accounts",
        is_change=False,
        request=credit.ShowBalance,
        reply=credit.WalletView,
        handler=credit.show_balance,
        arguments=(_USER,),
    ),
    Action(
        name="credit adjust",
        meaning="add credit to a user's wallet, or take some of what is available, with a reason",
        details="A negative amount is taken in burn-down order, all or nothing. What open calls hold is not taken.",
        example='aihub credit adjust alice -2.5 --reason "granted twice"',
        permission="manage credit",
        is_change=True,
        request=wallets.AdjustCredit,
        reply=credit.WalletView,
        handler=wallets.adjust_credit,
        arguments=(_USER, _AMOUNT, _REASON, Argument("expires_in", "--expires-in", "TIME")),
    ),
    Action(
        name="credit transfer",
        meaning="move available credit from one user's wallet to another's, with a reason",
        details="It leaves in burn-down order and keeps its priority and expiry. What open calls hold does not move.",
        example='aihub credit transfer alice bob 5 --reason "moved to the team"',
        permission="manage credit",
        is_change=True,
        request=wallets.TransferCredit,
        reply=wallets.CreditTransferred,
        handler=wallets.transfer_credit,
        arguments=(_USER, Argument("receiver", "RECEIVER"), _AMOUNT, _REASON),
    ),
    Action(
        name="credit threshold",
        meaning="set the balance of a user's wallet below which a notice is written",
        details="Without an amount `AIHUB_LOW_BALANCE` holds; 0 is none. A balance below it already is no crossing.",
        example="aihub credit threshold alice --amount 5",
        permission="manage credit",
        is_change=True,
        request=wallets.SetThreshold,
        reply=credit.WalletView,
        handler=wallets.set_threshold,
        arguments=(_USER, Argument("amount", "--amount", "CREDITS")),
    ),
    Action(
        name="grant show",
        meaning="show a grant",
        example="aihub grant show grant_01k8…",
        permission="see accounts",
        is_change=False,
        request=wallets.NamedGrant,
        reply=wallets.OwnedGrant,
        handler=wallets.show_grant,
        arguments=(_GRANT_ID,),
    ),
    Action(
        name="grant void",
        meaning="withdraw what is left of a grant, with a reason",
        details="What was spent stays spent. Open calls keep what they hold; what they give back is withdrawn as well.",
        example='aihub grant void grant_01k8… --reason "the payment was returned"',
        permission="manage credit",
        is_change=True,
        request=wallets.VoidGrant,
        reply=wallets.OwnedGrant,
        handler=wallets.void_grant,
        arguments=(_GRANT_ID, _REASON),
    ),
)
