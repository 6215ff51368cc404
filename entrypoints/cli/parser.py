"""The grammar of the command line: every command with its arguments, its help and an example.

House rule: nothing of the hub is imported here, and a wrong argument is reported in one line.
"""

from collections.abc import Sequence

from entrypoints.actions import NOUNS
from entrypoints.cli.argument_parser import Commands, Help, OneLineParser, Parser, Version
from entrypoints.cli.arguments import decimal, limit, moment, priced_at, whole


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
    _serving(commands)
    _actions(commands, argv, "sweep", "master-key", "backup")
    _actions(commands, argv, "provider", "credential")
    _rates(commands, argv)
    _prices(commands)
    _actions(commands, argv, "alias", "route")
    _actions(commands, argv, "user", "key", "credit")
    _calls(commands)
    _actions(commands, argv, "ledger")
    return parser


def _actions(commands: Commands, argv: Sequence[str] | None, *nouns: str) -> None:
    """The commands of the action table."""
    for noun in nouns:
        if _is_wanted(argv, noun):
            from entrypoints.actions.action import actions_of
            from entrypoints.cli.from_actions import add_arguments
            from entrypoints.cli.inputs import INPUTS

            for action in actions_of(noun):
                command = commands.add(action.name, action.meaning, action.example)
                add_arguments(command, action)
                if action.name in INPUTS:
                    INPUTS[action.name].add_arguments(command)
        else:
            commands.name(noun, NOUNS[noun].meaning)


def _is_wanted(argv: Sequence[str] | None, noun: str) -> bool:
    """Whether the commands of the noun are built; the other nouns only need their help."""
    return argv is None or noun == next((text for text in argv if not text.startswith("-")), "")


def _serving(commands: Commands) -> None:
    serve = commands.add("serve", "answer calls until stopped", "aihub serve --port 8080 --workers 2")
    serve.add_argument("--host", help="the address to listen on (AIHUB_HOST, 127.0.0.1)")
    serve.add_argument("--port", help="the port to listen on (AIHUB_PORT, 8080)")
    serve.add_argument("--workers", metavar="N", help="how many processes serve (AIHUB_WORKERS, 1)")
    serve.add_argument("--interface", help="asgi or wsgi (AIHUB_INTERFACE, asgi)")
    commands.add(
        "config show", "show every setting, its effective value and where that comes from", "aihub config show"
    )


def _rates(commands: Commands, argv: Sequence[str] | None) -> None:
    put = commands.add(
        "rate set",
        "set what a model is sold for, in credits per million tokens, or for one piece if it is not text",
        "aihub rate set openai/gpt-5-mini --input 0.25 --output 2 --context 400000 --max-output 128000",
    )
    put.add_argument("model", metavar="PROVIDER/MODEL")
    if _is_wanted(argv, "rate"):
        from domain.usage import UNITS

        for unit in UNITS:
            option = f"--{unit.label.replace('_', '-')}"
            put.add_argument(option, type=decimal, metavar="X", help=unit.words)
    for name, piece, example in (
        ("--image-at", "image", "1024x1536/high=0.25"),
        ("--video-second-at", "second of video", "1080p=0.5"),
    ):
        put.add_argument(
            name,
            type=priced_at,
            action="append",
            default=[],
            metavar="SIZE[/QUALITY]=X",
            help=f"one {piece} of a size, a quality or both, such as {example}; may be repeated",
        )
    put.add_argument("--from", dest="since", type=moment, metavar="TIME", help="for calls since then (now)")
    put.add_argument("--context", type=whole, metavar="N", help="the most tokens that the model reads and writes")
    put.add_argument("--max-output", type=whole, metavar="N", help="the most tokens that it writes")
    put.add_argument(
        "--capabilities",
        metavar="LIST",
        help="input capabilities: tools,images,audio,documents; none for text only (not known)",
    )
    commands.add("rate list", "list what is sold", "aihub rate list")
    show = commands.add("rate show", "show every version of a model's rate", "aihub rate show openai/gpt-5-mini")
    show.add_argument("model", metavar="PROVIDER/MODEL")
    remove = commands.add("rate remove", "end the sale of a model", "aihub rate remove openai/gpt-5-mini")
    remove.add_argument("model", metavar="PROVIDER/MODEL")


def _prices(commands: Commands) -> None:
    bulk = commands.add(
        "rate bulk",
        "sell what the price book knows, at a margin",
        "aihub rate bulk --margin 20 --credit-price 1 --provider openai",
    )
    bulk.add_argument("--margin", type=decimal, metavar="PERCENT", required=True, help="on top of what it costs")
    bulk.add_argument("--credit-price", type=decimal, metavar="USD", required=True, help="what one credit costs")
    bulk.add_argument("--provider", metavar="NAME", help="only this provider's models (all)")
    bulk.add_argument("--model", metavar="PROVIDER/MODEL", help="only this model, also if it was taken from sale")
    bulk.add_argument("--from", dest="since", type=moment, metavar="TIME", help="for calls since then (now)")
    again = commands.add(
        "rerate",
        "charge past calls again after their rate was corrected; shows what would move",
        "aihub rerate --model openai/gpt-5-mini --since 2026-11-01 --apply",
    )
    again.add_argument("--model", metavar="PROVIDER/MODEL", required=True, help="by any of its names, also a bare one")
    again.add_argument("--since", type=moment, metavar="TIME", required=True, help="such as 2026-11-01, or 7d for ago")
    again.add_argument("--until", type=moment, metavar="TIME", help="calls that began before then (now)")
    again.add_argument("--apply", action="store_true", help="move the differences, and not only show them")
    quote = commands.add(
        "quote",
        "report what a request would be charged with billing on, spending nothing",
        "aihub quote request.json --user alice",
    )
    quote.add_argument("file", metavar="FILE", help="the request's JSON body; - for standard input")
    quote.add_argument("--user", metavar="NAME", default="owner", help="whose wallet is asked (owner)")
    quote.add_argument("--route", metavar="ROUTE", help="what it is for, such as /v1/completions (by its fields)")
    show = commands.add("price list", "list what holds now", "aihub price list --provider anthropic")
    show.add_argument("--provider", metavar="NAME", help="only this provider's prices")
    show = commands.add("price show", "show every version of a price", "aihub price show openai/gpt-5-mini")
    show.add_argument("model", metavar="PROVIDER/MODEL")
    source = "a price list as JSON, or genai-prices, the public catalogue as it is installed here (genai-prices)"
    diff = commands.add("price diff", "show what a sync would change", "aihub price diff --from prices.json")
    diff.add_argument("--from", dest="source", metavar="FILE", default="genai-prices", help=source)
    sync = commands.add("price sync", "import new prices from a catalogue", "aihub price sync --accept")
    sync.add_argument("--from", dest="source", metavar="FILE", default="genai-prices", help=source)
    sync.add_argument("--accept", action="store_true", help="also where a price moves by more than a tenth")
    sync.add_argument("--dry-run", action="store_true", help="only show what would change")


def _calls(commands: Commands) -> None:
    calls = commands.add("call list", "list the newest calls", "aihub call list --user alice --limit 5")
    calls.add_argument("--user", metavar="U", help="only this user's")
    calls.add_argument("--limit", type=limit, default=20, metavar="N", help="how many at most (20)")
    calls.add_argument("--before", metavar="ID", help="only calls that began before this one: the next page")
    export = commands.add(
        "call export",
        "write every call, oldest first, to standard output: as CSV, or with --json as JSON Lines",
        "aihub call export --since 30d > calls.csv",
    )
    export.add_argument("--user", metavar="U", help="only this user's")
    export.add_argument("--since", type=moment, metavar="TIME", help="such as 2026-11-01, or 7d for ago (the first)")
    export.add_argument("--until", type=moment, metavar="TIME", help="calls that began before then (now)")
    show = commands.add("call show", "show all about one call", "aihub call show call_01k8…")
    show.add_argument("id", metavar="ID", help="as `aihub call list` and the header x-request-id show it")
