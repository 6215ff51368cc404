"""The one-time link by which the owner signs in to the dashboard after the first start.

Its row in the books is a key that expires after fifteen minutes. The text in the link is no API key: its fingerprint
is that of another text. Whichever process gets the link first revokes that key and makes the key of the session.
"""

import msgspec

from domain.accounts.identity import Caller, identify
from domain.accounts.rows import ApiKey, User
from domain.books.management_scopes import KeyFacts, KeyScope, UserScope
from domain.management.changes import Changed, Denied, Outcome, add_key, revoke_key
from domain.refusals import BadRequest
from entrypoints.usecases.identity import caller_of
from entrypoints.usecases.manage.key_terms import KeyTerms
from entrypoints.usecases.manage.keys import key_row
from entrypoints.usecases.management_context import ManagementContext, actor, row_of

LINK_LASTS_MS = 15 * 60_000
SESSION_LASTS_MS = 12 * 3_600_000
LINK, SESSION = "sign-in-link", "signed-in-by-link"
BY = "sign-in link"
_USED = Denied(refusal=BadRequest(field=None, problem="The link was used already, or has expired."))


async def make_link(context: ManagementContext, user: User) -> str:
    """The secret part of a new link for the user."""
    who, text = actor(context, BY), context.ids.secret()
    terms = KeyTerms(expires_in_ms=LINK_LASTS_MS, purpose="management")
    key = key_row(context, context.ids.new("key"), user, LINK, _presented(text), who.now_ms, terms)
    key = msgspec.structs.replace(key, prefix="")
    scope = UserScope(name=user.name)
    await context.storage.decide(scope, lambda facts: add_key(facts, who, user.name, lambda _: key))
    return text


async def use_link(context: ManagementContext, text: str) -> str | None:
    """The fingerprint of the key of a new session; None if the link is unknown, used or too old."""
    caller = await caller_of(context, context.vault.fingerprint(_presented(text)))
    if not isinstance(caller, Caller) or caller.key.name != LINK:
        return None
    link, user, who = caller.key, caller.user, actor(context, BY)
    terms = KeyTerms(expires_in_ms=SESSION_LASTS_MS, purpose="both")
    secret = context.ids.secret()
    session = key_row(context, context.ids.new("key"), user, SESSION, secret, who.now_ms, terms)
    session = msgspec.structs.replace(session, prefix="")

    def rule(facts: KeyFacts) -> Outcome:
        if not isinstance(identify(facts.key, facts.user, who.now_ms), Caller):
            return _USED
        used = revoke_key(facts, who, link.id)
        return Changed(row=session, writes=(session, *used.writes))

    key = row_of(await context.storage.decide(KeyScope(key_id=link.id), rule), ApiKey)
    return key.fingerprint if isinstance(key, ApiKey) else None


def _presented(text: str) -> str:
    """What is fingerprinted: no API key has a space, so the link's secret is none."""
    return f"sign-in link {text}"
