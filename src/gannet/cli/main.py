"""The command line. Exit code 2 means an error of usage or data; the message says the remedy."""

from __future__ import annotations

import sys

from cyclopts import App, CycloptsError

from gannet.cli.evaluate import compare, evaluate, judge
from gannet.cli.flags import print_run_flags, repeated
from gannet.cli.info import inspect, recipes, settings
from gannet.cli.sample import apply, edit, sample
from gannet.cli.train import demo, train
from gannet.core.errors import GannetError

app = App(
    name="gannet",
    help="Generative adversarial networks that do not collapse, with numbers to believe.",
    help_format="plaintext",
    result_action="return_value",
)
for command in (
    inspect, train, sample, apply, edit, judge, evaluate, compare, recipes, settings, demo,
):  # fmt: skip
    app.command(command)

FLAGS_FROM_RUN = ("sample", "apply")
"""Commands with flags that depend on the run."""

FLAGS_FROM_DATA = ("inspect", "train")
"""Commands with flags that depend on the data."""


HELP = {"--help", "-h"}


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    arguments = sys.argv[1:] if argv is None else argv
    arguments = repeated(arguments) if arguments and arguments[0] in FLAGS_FROM_DATA else arguments
    try:
        app(arguments, exit_on_error=False, print_error=False)
        if HELP & set(arguments) and arguments[0] in FLAGS_FROM_RUN:
            print_run_flags(arguments)
    except CycloptsError as error:
        print(f"gannet: {error}", file=sys.stderr)
        return 2
    except GannetError as error:
        print(f"gannet: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("gannet: stopped; the same command resumes from the last save", file=sys.stderr)
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    return 0
