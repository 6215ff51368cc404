"""The action that quotes a call before it is made."""

from entrypoints.actions import NOUNS
from entrypoints.actions.action import Action, Argument
from entrypoints.http.api import user_quotes
from entrypoints.usecases.call.quote import QuoteView

ACTIONS = (
    Action(
        name="quote",
        meaning=NOUNS["quote"].meaning,
        details="Exit code 1 if the wallet does not afford it.",
        example="aihub quote request.json --user alice",
        permission="see accounts",
        is_change=False,
        needs_providers=True,
        request=user_quotes.QuoteCall,
        reply=QuoteView,
        handler=user_quotes.quote_call,
        arguments=(Argument("user", "--user", "NAME"), Argument("route", "--route", "ROUTE")),
    ),
)
