"""Carrying out a command: the settings, the context, and the output.

House rule: an expected error becomes one line on standard error here, once; an unexpected one keeps its traceback.
"""

import asyncio
import os
import sys
from argparse import Namespace
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from entrypoints.actions import NOUNS
from entrypoints.actions.action import Action, actions_of
from entrypoints.cli import books, calls, export, prices, quotes, rates, rerating
from entrypoints.cli import providers as providers_view
from entrypoints.cli import routing as routing_view
from entrypoints.cli import users as users_view
from entrypoints.cli.from_actions import names_of, request_of
from entrypoints.cli.inputs import INPUTS
from entrypoints.cli.output import Complaint, NotDone, Output, Views, complaint, written
from entrypoints.config import Problem, Settings, effective, read_settings
from entrypoints.usecases.manage.first_run import OWNER, found
from entrypoints.usecases.management_context import ActionContext, Denial, ManagementContext
from entrypoints.wiring import CannotStart, context_without_books, has_books, operator_hub
from ports.books import StorageError
from ports.vault import VaultError

Command = Callable[[ManagementContext, Settings, Namespace], Awaitable[Output]]

COMMANDS: Mapping[str, Command] = {
    "rate set": rates.set_rate,
    "rate list": rates.list_rates,
    "rate show": rates.show_rate,
    "rate bulk": prices.bulk_rates,
    "rerate": rerating.rerate_calls,
    "quote": quotes.quote_request,
    "price list": prices.list_prices,
    "price show": prices.show_price,
    "price diff": prices.diff_prices,
    "price sync": prices.sync_prices,
    "rate remove": rates.remove_rate,
    "call list": calls.list_calls,
    "call show": calls.show_call,
    "call export": export.export_calls,
}

# The views of the replies of actions; without --json.
VIEWS: Views = {**books.VIEWS, **providers_view.VIEWS, **routing_view.VIEWS, **users_view.VIEWS}

# Commands that set a hub up may begin its books. All others need existing books: a user who forgot DATA_DIR would
# take empty ones for their own.
_BEGINS = frozenset(("rate set", "rate bulk", "price sync"))
# The names of the fields in a refusal, for commands that are not made from the action table.
_FIELDS = {
    "name": "NAME",
    "model": "PROVIDER/MODEL",
    "context": "--context",
    "max_output": "--max-output",
    "credit_price": "--credit-price",
}
# Commands that read the price book that ships with the hub.
_WITHOUT_BOOKS = frozenset(("price list", "price show", "price diff"))
_OPTIONS = {"host": "AIHUB_HOST", "port": "AIHUB_PORT", "workers": "AIHUB_WORKERS", "interface": "AIHUB_INTERFACE"}


def run(args: Namespace) -> int:
    """Carry out the command that was parsed; the exit code."""
    given = {name: getattr(args, option, None) for option, name in _OPTIONS.items()}
    options = {name: text for name, text in given.items() if text is not None}
    settings = read_settings(os.environ, options)
    if args.command == "config show":
        print(written(books.show_config(effective(os.environ, options)), args.json))
    if not isinstance(settings, Settings):
        return _report(settings)
    if args.command == "config show":
        return 0
    try:
        if args.command == "serve":
            from entrypoints.serve.server import serve

            return serve(settings, args.json)
        output = asyncio.run(_in_context(settings, args))
    except (Complaint, CannotStart) as trouble:
        return _complain(str(trouble))
    except (StorageError, VaultError) as trouble:
        return _complain(f"{trouble}; nothing was changed")
    text = written(output, args.json)
    if text:
        print(text)
    if output.note and not args.json:
        print(output.note, file=sys.stderr)
    return output.code


async def _in_context(settings: Settings, args: Namespace) -> Output:
    args.actor = f"cli:{_login()}"
    action = _action(args.command)
    begins = action.begins_books if action else args.command in _BEGINS
    needs = action.needs_books if action else args.command not in _WITHOUT_BOOKS
    if not begins and not has_books(settings):
        if needs:
            raise CannotStart(
                f"there are no books in {settings.data_dir.resolve()}: name the hub's own directory in DATA_DIR, or "
                "begin new books with `aihub serve`, or by adding a provider or a user"
            )
        async with context_without_books() as context:
            return await _carried_out(context, settings, args, action)
    async with operator_hub(settings) as context:
        if await context.storage.user_named(OWNER) is None:
            # The hub can be set up before its first start. The owner's key is made at that start.
            await found(context)
            if sys.stderr.isatty():
                # A user who forgot DATA_DIR would take empty books for their own.
                print(f"began new books in {settings.data_dir.resolve()} (DATA_DIR)", file=sys.stderr)
        return await _carried_out(context, settings, args, action)


async def _carried_out(
    context: ManagementContext, settings: Settings, args: Namespace, action: Action[Any, Any] | None
) -> Output:
    try:
        if action is None:
            return await COMMANDS[args.command](context, settings, args)
        more = await INPUTS[action.name].read(context, args) if action.name in INPUTS else {}
        request = request_of(action, args, context.clock.now_ms(), more)
        acting = ActionContext(hub=context, by=args.actor, policy=settings.policy, report=books.progress())
        reply = await action.handler(acting, request)
        if isinstance(reply, Denial):
            raise NotDone(reply)
        return msgspec.structs.replace(VIEWS[action.name](request, reply), value=reply)
    except NotDone as refused:
        raise complaint(refused.denial, _names(action)) from None


def _names(action: Action[Any, Any] | None) -> Mapping[str, str]:
    """The command line's names for the fields in a refusal."""
    if action is None:
        return _FIELDS
    read = INPUTS[action.name].names if action.name in INPUTS else {}
    return {**names_of(action), **read}


def _action(command: str) -> Action[Any, Any] | None:
    """The action that the command stands for; None for one that is not in the table."""
    noun = command.partition(" ")[0]
    actions = actions_of(noun) if noun in NOUNS else ()
    return next((action for action in actions if action.name == command), None)


def _login() -> str:
    """The name of the user at the command line, for the audit log."""
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def _report(problems: tuple[Problem, ...]) -> int:
    for problem in problems:
        _complain(f"{problem.name}: {problem.text}")
    return 1


def _complain(text: str) -> int:
    print(f"aihub: {text}", file=sys.stderr)
    return 1
