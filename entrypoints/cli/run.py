"""Carrying out a command: the settings, the context, and the output.

House rule: an expected error becomes one line on standard error here, once; an unexpected one keeps its traceback.
"""

import asyncio
import os
import sys
from argparse import Namespace
from typing import Any

import msgspec

from domain.refusals import Refusal
from entrypoints.actions.action import Action, find_action
from entrypoints.cli.export import write_replies
from entrypoints.cli.from_actions import names_of, request_of
from entrypoints.cli.inputs import INPUTS
from entrypoints.cli.output import Complaint, Output, complaint, progress, written
from entrypoints.cli.settings import show_config
from entrypoints.cli.views import view_of
from entrypoints.config import Problem, Settings, effective, read_settings
from entrypoints.usecases.manage.first_run import OWNER, found
from entrypoints.usecases.management_context import ActionContext, ManagementContext
from entrypoints.wiring import (
    CannotStart,
    context_without_books,
    environment_with_secrets,
    has_books,
    hub,
    open_aigne,
    operator_hub,
    place_of,
)
from ports.books import StorageError
from ports.vault import VaultError

_OPTIONS = {"host": "AIHUB_HOST", "port": "AIHUB_PORT", "workers": "AIHUB_WORKERS", "interface": "AIHUB_INTERFACE"}


def run(args: Namespace) -> int:
    """Carry out the command that was parsed; the exit code."""
    given = {name: getattr(args, option, None) for option, name in _OPTIONS.items()}
    options = {name: text for name, text in given.items() if text is not None}
    if args.command == "config show":  # shows references to secrets as they are
        settings = read_settings(os.environ, options)
        print(written(show_config(effective(os.environ, options)), args.json))
        return 0 if isinstance(settings, Settings) else _report(settings)
    try:
        settings = read_settings(environment_with_secrets(os.environ), options)
        if not isinstance(settings, Settings):
            return _report(settings)
        if args.command == "serve":
            from entrypoints.serve.server import serve

            return serve(settings, args.json)
        if args.command.startswith("database "):
            from entrypoints.cli.database import run_database_command

            output = asyncio.run(run_database_command(settings, args))
        else:
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
    action = find_action(args.command)
    assert action is not None
    if not action.begins_books and not has_books(settings):
        if action.needs_books:
            raise CannotStart(
                f"there are no books in {settings.data_dir.resolve()}: name the hub's own directory in DATA_DIR, or "
                "begin new books with `aihub serve`, or by adding a provider or a user"
            )
        async with context_without_books() as context:
            return await _carried_out(context, settings, args, action)
    async with hub(settings) if action.needs_providers else operator_hub(settings) as context:
        if await context.storage.user_named(OWNER) is None:
            # The hub can be set up before its first start. The owner's key is made at that start.
            await found(context)
            if sys.stderr.isatty():
                # A user who forgot DATA_DIR would take empty books for their own.
                where = place_of(settings) if settings.database_url else f"{settings.data_dir.resolve()} (DATA_DIR)"
                print(f"began new books in {where}", file=sys.stderr)
        return await _carried_out(context, settings, args, action)


async def _carried_out(
    context: ManagementContext, settings: Settings, args: Namespace, action: Action[Any, Any]
) -> Output:
    given = INPUTS.get(action.name)
    more = await given.read(context, args) if given else {}
    request = request_of(action, args, context.clock.now_ms(), more)
    acting = ActionContext(hub=context, by=f"cli:{_login()}", policy=settings.policy, open_aigne=open_aigne)
    if action.has_progress:
        acting = msgspec.structs.replace(acting, report=progress())
    reply = await action.handler(acting, request)
    if isinstance(reply, Refusal):
        names = {**names_of(action), **(given.names if given else {})}
        raise complaint(reply, getattr(args, "places", names))
    if action.is_streamed:
        return await write_replies(reply, action.reply, action.name.partition(" ")[0], args.json)
    view = view_of(action.name)
    assert view is not None
    return msgspec.structs.replace(view(request, reply), value=reply)


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
