"""Runs gannet's command line in a process of its own per command, but imports PyTorch only once.

Importing takes longer than most of the commands that are tested. Started as a script, it reads one
JSON object a line, ``{"words", "folder", "output"}``, forks, and answers with the child's number;
``{"wait": number}`` waits for that child and answers with its exit code, negative for a signal.
Nothing has been computed before the fork, so there are no threads that would be lost in it.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import traceback
from pathlib import Path


def serve() -> None:
    """Answer until standard input ends."""
    for line in sys.stdin:
        asked = json.loads(line)
        if "wait" in asked:
            _, status = os.waitpid(asked["wait"], 0)
            print(os.waitstatus_to_exitcode(status), flush=True)
            continue
        child = os.fork()
        if child == 0:
            run_training(asked)
        print(child, flush=True)


def run_training(asked: dict) -> None:
    """Be that command, and end."""
    from gannet.cli.main import main

    code = 1  # what Python itself ends with after a traceback
    try:
        os.chdir(asked["folder"])
        output = Path(asked["output"])
        for number, name in ((0, os.devnull), (1, f"{output}.out"), (2, f"{output}.err")):
            os.dup2(os.open(name, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644), number)
        if asked["largest"]:
            resource.setrlimit(resource.RLIMIT_FSIZE, (asked["largest"],) * 2)
        sys.argv = ["gannet", *asked["words"]]
        code = main(asked["words"])
    except SystemExit as end:
        code = end.code or 0
    except BaseException:  # noqa: BLE001 # what Python's own last resort catches
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    import sklearn.ensemble  # noqa: F401
    import torch

    import gannet.api.train
    import gannet.cli.main
    import gannet.cli.progress
    import gannet.evaluation.report.markdown
    import gannet.inference.write_samples
    import gannet.recipes.generate
    import gannet.training.plan  # noqa: F401

    torch.set_num_threads(1)
    print("ready", flush=True)
    serve()
