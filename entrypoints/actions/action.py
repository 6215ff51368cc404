"""What a row of the action table holds."""

from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Any, Generic, TypeVar

import msgspec

from domain.accounts.permissions import Permission
from domain.refusals import Refusal
from entrypoints.actions import NOUNS
from entrypoints.usecases.management_context import ActionContext

Request = TypeVar("Request", bound=msgspec.Struct)
Reply = TypeVar("Reply")


class Argument(msgspec.Struct, frozen=True):
    """How the command line writes a field of the request.

    `word` is an option (`--base-url`) or the name of a positional argument (`NAME`). `value` is what the help shows for
    an option's value. `help` replaces the field's own description where the command line has something to add.
    """

    field: str
    word: str
    value: str | None = None
    help: str = ""


class Action(msgspec.Struct, Generic[Request, Reply], frozen=True, kw_only=True):
    """Something that an operator or a user can do.

    name             noun and verb, such as "user add"; a few actions have a noun alone
    meaning          what it does, as an imperative in one line
    details          what the reference adds to that
    example          a command line
    permission       what the caller's role must permit
    is_change        whether it changes the books; the others only read
    begins_books     whether it may begin new books: only actions that set a hub up do
    needs_books      whether there must be books; a few read only what ships with the hub
    needs_providers  whether it needs the whole hub, with its providers, as serving does
    is_streamed      whether the handler returns an iterator over any number of replies, which are sent one by one
    own              whether every user may do it as far as it is about the user's own things: the handler keeps to
                     `ActionContext.own`
    moving           fields of the reply that calls change by themselves: no part of the version that an operator edits
    has_progress     whether it may take long and reports how far it is to the context's `report`
    """

    name: str
    meaning: str
    details: str = ""
    example: str
    permission: Permission
    is_change: bool
    begins_books: bool = False
    needs_books: bool = True
    needs_providers: bool = False
    is_streamed: bool = False
    own: bool = False
    has_progress: bool = False
    moving: tuple[str, ...] = ()
    request: type[Request]
    reply: Any
    handler: Callable[[ActionContext, Request], Awaitable[Reply | Refusal]]
    arguments: tuple[Argument, ...] = ()


def actions_of(noun: str) -> "tuple[Action[Any, Any], ...]":
    """The actions of a noun, in the order of the help."""
    declared: tuple[Action[Any, Any], ...] = import_module(NOUNS[noun].module).ACTIONS
    return tuple(action for action in declared if action.name.partition(" ")[0] == noun)


def find_action(name: str) -> "Action[Any, Any] | None":
    """The action of that name; None if the table has none."""
    noun = name.partition(" ")[0]
    return next((action for action in (actions_of(noun) if noun in NOUNS else ()) if action.name == name), None)


def every_action() -> "dict[str, Action[Any, Any]]":
    """The whole table by name."""
    return {action.name: action for noun in NOUNS for action in actions_of(noun)}
