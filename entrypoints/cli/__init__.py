"""`aihub`: the hub's command line.

Only the parser is imported here; the code of a command is imported when it runs, so that `aihub --help` answers at
once. Errors are one line on standard error. Exit codes: 0 done, 1 not done, 2 not understood.
"""

import os
import sys
from collections.abc import Sequence

from entrypoints.cli.parser import build_parser


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out one command; the exit code. Usage errors and --help leave by SystemExit, as argparse does."""
    given = sys.argv[1:] if argv is None else argv
    arguments = build_parser(given).parse_args(given)
    if arguments.command is None:
        # An incomplete command prints the help.
        arguments.incomplete.print_help(sys.stderr)
        return 2
    from entrypoints.cli.run import run

    try:
        code = run(arguments)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of the output has closed it. The interpreter must not complain about that when it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
