"""The grammar of the command line, made from the action table: every command with its arguments and an example.

House rule: nothing of the hub is imported for the help, and a wrong argument is reported in one line.
"""

from collections.abc import Sequence

from entrypoints.actions import NOUNS
from entrypoints.cli.argument_parser import Commands, Help, OneLineParser, Parser, Version


def build_parser(argv: Sequence[str] | None = None) -> Parser:
    """The parser of all commands; `command` in its result is such as "user add".

    With `argv` only its own noun is built; the other nouns have their help alone, so that no use case is imported.
    """
    parser = OneLineParser(
        prog="aihub",
        description="A self-hosted AI gateway whose billing can be proved.",
        epilog="Settings come from the environment; `aihub config show` lists them.\nexample:\n  aihub serve",
        formatter_class=Help,
    )
    parser.add_argument("--version", action=Version, nargs=0, help="show the version and exit")
    parser.set_defaults(command=None, incomplete=parser)
    commands = Commands(parser)
    _of_this_process(commands)
    _of_the_database(commands)
    wanted = argv and next((text for text in argv if not text.startswith("-")), "")
    for noun, (meaning, _) in NOUNS.items():
        if argv is None or noun == wanted:
            _add_actions(commands, noun)
        else:
            commands.name(noun, meaning)
    return parser


def _of_this_process(commands: Commands) -> None:
    """The commands that are no actions on a hub: one runs it, one shows the settings that this environment gives it."""
    serve = commands.add(
        "serve",
        "answer calls until stopped, and report rejected credentials and bugs on standard error",
        "aihub serve --port 8080 --workers 2",
    )
    serve.add_argument("--host", help="the address to listen on (AIHUB_HOST, 127.0.0.1)")
    serve.add_argument("--port", help="the port to listen on (AIHUB_PORT, 8080)")
    serve.add_argument("--workers", metavar="N", help="how many processes serve (AIHUB_WORKERS, 1)")
    serve.add_argument("--interface", help="asgi or wsgi (AIHUB_INTERFACE, asgi)")
    commands.add(
        "config show", "show every setting, its effective value and where that comes from", "aihub config show"
    )


def _of_the_database(commands: Commands) -> None:
    """The commands about the database itself, which come before any books are opened."""
    commands.add("database status", "show which migrations the database has", "aihub database status")
    migrate = commands.add(
        "database migrate",
        "make or renew the tables, as a role that owns them; --role grants the hub's own role what it needs",
        "aihub database migrate --role aihub",
    )
    migrate.add_argument(
        "--role", metavar="NAME", help="the hub's own role: it may add rows, and change none of the journal"
    )
    copy = commands.add(
        "database copy",
        "copy all books to an empty database or a new SQLite file, and prove both; no hub may run meanwhile",
        "aihub database copy --to postgresql://aihub@db/aihub",
    )
    copy.add_argument("--to", metavar="URL", required=True, help="the URL of a database, or the path of a new file")


def _add_actions(commands: Commands, noun: str) -> None:
    from entrypoints.actions.action import actions_of
    from entrypoints.cli.from_actions import add_arguments
    from entrypoints.cli.inputs import INPUTS

    for action in actions_of(noun):
        command = commands.add(action.name, action.meaning, action.example)
        add_arguments(command, action)
        if action.name in INPUTS:
            INPUTS[action.name].add_arguments(command)
