"""`aihub`: the hub's command line.

Only the words are known here; what carries them out is imported when it is needed, so that `aihub --help` answers at
once. Errors are one line on standard error. Exit codes: 0 done, 1 not done, 2 not understood.
"""

import os
import sys
from collections.abc import Sequence

from entrypoints.cli.parser import build_parser


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out one command; the exit code. Usage errors and --help leave by SystemExit, as argparse does."""
    words = sys.argv[1:] if argv is None else argv
    arguments = build_parser(words).parse_args(words)
    if arguments.command is None:
        # Who says no more wants to know what there is to say.
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
        # Whoever read our output has read enough. The interpreter must not complain about it at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
