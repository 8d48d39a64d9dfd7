"""The command line. Exit code 2 means an error of usage or data; the message says the remedy."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from cyclopts import App, CycloptsError, Parameter

from gannet.cli.evaluate import compare, evaluate, judge
from gannet.cli.examples import epilogue
from gannet.cli.flags import print_run_flags, repeated
from gannet.cli.info import inspect, recipes, settings
from gannet.cli.sample import apply, edit, sample
from gannet.cli.screen import PrintError, abandon, raw, screens
from gannet.cli.train import demo, train
from gannet.core.errors import GannetError, spoken_in_flags
from gannet.core.plugins import gannet_version

app = App(
    name="gannet",
    help="Generative adversarial networks that do not collapse, with numbers to believe.",
    help_format="plaintext",
    result_action="return_value",
    version=gannet_version,
    default_parameter=Parameter(negative_iterable=()),
)
for command in (
    inspect, train, sample, apply, edit, judge, evaluate, compare, recipes, settings, demo,
):  # fmt: skip
    app.command(command, help_epilogue=epilogue(command.__name__))

FLAGS_FROM_RUN = ("sample", "apply")
"""Commands with flags that depend on the run."""

FLAGS_FROM_DATA = ("inspect", "train")
"""Commands with flags that depend on the data."""


HELP = {"--help", "-h"}

NO_MEMORY = ("not enough memory", "out of memory", "can't allocate memory")
"""What PyTorch says where there is too little memory."""

LESS = "Use a smaller --batch, smaller samples or networks, or fewer samples at once."
"""What to do then."""

STOPPED = {
    "train": "what was saved is kept; the same command goes on from there",
    "demo": "the same command starts again",
}
"""What is left after a command was stopped by Ctrl-C; by default nothing."""


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    arguments = sys.argv[1:] if argv is None else argv
    arguments = repeated(arguments) if arguments and arguments[0] in FLAGS_FROM_DATA else arguments
    try:
        with screens(), spoken_in_flags():
            return _run(arguments)
    except BrokenPipeError:
        abandon(raw(sys.stdout))
        return 0
    except PrintError as error:
        abandon(raw(sys.stdout))
        return _refused(f"cannot print: {error.strerror}")


def _run(arguments: list[str]) -> int:
    """Run one command; errors that a user can mend are printed."""
    try:
        app(arguments, exit_on_error=False, print_error=False)
        if HELP & set(arguments) and arguments[0] in FLAGS_FROM_RUN:
            print_run_flags(arguments)
    except (CycloptsError, GannetError) as error:
        return _refused(str(error))
    except KeyboardInterrupt:
        left = STOPPED.get(arguments[0], "give the same command again")
        print(f"gannet: stopped; {left}", file=sys.stderr)
        return 130
    except (MemoryError, RuntimeError) as error:
        if not (isinstance(error, MemoryError) or any(each in str(error) for each in NO_MEMORY)):
            raise
        return _refused(f"there is not enough memory\n  {LESS}")
    except (BrokenPipeError, PrintError):
        raise
    except OSError as error:
        name = "" if error.filename is None else f"{os.fsdecode(error.filename)}: "
        return _refused(f"{name}{error.strerror or error}")
    return 0


def _refused(message: str) -> int:
    with suppress(OSError):
        print(f"gannet: {message}", file=sys.stderr)
    return 2
