"""The command line: parse, call one function, print. Results go to stdout, everything else to stderr.

Exit codes: 0 done, 1 a failure in the work, 2 wrong usage or input, 130 after Ctrl-C.

To add a command, write it in a module with `commands = typer.Typer()`, and add the module to `_GROUPS`.
"""

from __future__ import annotations

import errno
import gc
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Annotated, Any, NoReturn

import typer

from imagewise.cli import auditing, data, models, recognition, training
from imagewise.cli.choosing import backbones, recipes
from imagewise.cli.console import accept_all_characters, log, print_error
from imagewise.cli.framework.command import Group, Quiet, Verbose
from imagewise.cli.options import examples
from imagewise.cli.predicting import predict
from imagewise.cli.usage import UsageError, is_help, usage_message
from imagewise.display.verbosity import Verbosity, set_verbosity
from imagewise.errors import ImagewiseError

PROGRAM = "imagewise"
_GROUPS = (training, recipes, backbones, recognition, predict, models, data, auditing)

# objects; with Python's 700 the garbage collector runs hundreds of times while a framework is imported: 0.4 s of 2
# with PyTorch
COLLECTED_AFTER = 100_000

_REMEDIES = {
    errno.ENOSPC: "Free some space or choose another folder, then try again.",
    errno.EDQUOT: "Free some space or choose another folder, then try again.",
    errno.EACCES: "Check that you may write there, then try again.",
    errno.EPERM: "Check that you may write there, then try again.",
    errno.EROFS: "Choose a folder that you may write to, then try again.",
}


class Commands(Group):
    """Ends every command in the same way: a message instead of a traceback, and one of the exit codes above."""

    def main(self, *args: Any, **extra: Any) -> NoReturn:
        """Run the command line, and raise SystemExit."""
        set_verbosity(Verbosity.NOTICES)
        with _exit_codes(lambda: PROGRAM):
            code = super().main(*args, **(extra | {"prog_name": PROGRAM, "standalone_mode": False}))
        sys.exit(code if isinstance(code, int) else 0)

    def invoke(self, ctx: Any) -> Any:
        """Run the command that the arguments name."""
        with _exit_codes(lambda: f"{ctx.command_path} {ctx.invoked_subcommand or ''}".strip()):
            result = super().invoke(ctx)
            if sys.stdout:
                sys.stdout.flush()  # now, while an error can still be reported
        return result


@contextmanager
def _exit_codes(command: Callable[[], str]) -> Iterator[None]:
    """Print the error that ends the block, and raise SystemExit with its code. `command` is what the user called."""
    try:
        yield
    except UsageError as error:
        if is_help(error):
            print(error, file=sys.stderr)
        else:
            print_error(usage_message(error, command()))
        raise SystemExit(2) from None
    except ImagewiseError as error:
        print_error(str(error))
        raise SystemExit(error.exit_code) from None
    except KeyboardInterrupt:
        log("imagewise: interrupted", Verbosity.ERRORS)
        raise SystemExit(130) from None
    except BrokenPipeError:  # the reader of `imagewise ... | head` has read enough
        _drop_stdout()
        raise SystemExit(0) from None
    except OSError as error:  # a full disk behind stdout, a drive that has gone
        _drop_stdout()
        remedy = _REMEDIES.get(error.errno or 0, "Fix this and try again.")
        print_error(f"{error.filename or 'standard output'}: {error.strerror or error}. {remedy}")
        raise SystemExit(1) from None
    except MemoryError:
        print_error("not enough memory. Close other programs, or use fewer or smaller pictures; then try again.")
        raise SystemExit(1) from None
    except RecursionError:
        print_error("a file or folder is nested too deeply to be read. Check what the command was given.")
        raise SystemExit(2) from None


def _drop_stdout() -> None:
    """Send the rest of stdout nowhere, so that Python does not complain about it when it ends."""
    with suppress(OSError, AttributeError):  # not a file, or closed from the start
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


app = typer.Typer(
    cls=Commands,
    help="Image recognition that anyone can train, trust and ship.",
    epilog=examples("train flowers/", "predict photo.jpg --model runs/flowers", "serve"),
    no_args_is_help=True,
    add_completion=True,  # --install-completion, --show-completion
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _group in _GROUPS:
    app.add_typer(_group.commands)


def main() -> None:
    """Entry point of the `imagewise` command."""
    gc.set_threshold(COLLECTED_AFTER)
    accept_all_characters()
    try:
        app()
    except KeyboardInterrupt:  # while the command line itself was still loading
        sys.exit(130)
    except SystemExit as end:
        if end.code:
            _leave_threads_behind(end.code)
        raise
    finally:
        gc.freeze()  # spares Python's last collection all objects of an imported framework: 0.4 s


def _leave_threads_behind(code: str | int) -> None:
    """End the process at once if threads are still at work.

    Python would wait for them: for a framework that is being imported, seconds after the error was printed.
    """
    if all(thread.daemon or thread is threading.main_thread() for thread in threading.enumerate()):
        return
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit(code if isinstance(code, int) else 1)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"imagewise {version('imagewise')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", "-V", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    pass
