"""How every command of edgedx ends: exit codes, one-line errors, no traceback unless asked."""

from __future__ import annotations

import contextlib
import errno
import math
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from edge.errors import EdgeError

__all__ = ["ENGINES", "EXIT_INTERRUPTED", "PRECISIONS", "NumberRange", "run_command"]

EXIT_DONE = 0
EXIT_USAGE = 2
EXIT_FAILURE = 5
EXIT_INTERRUPTED = 130

ENGINES = click.Choice(["auto", "onnxruntime", "litert"])
"""Type of an option that chooses what runs a bundle."""

PRECISIONS = click.Choice(["auto", "int8", "mixed", "dynamic", "float32"])
"""Type of an option that chooses among a bundle's files."""

_DISK_ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO})


class NumberRange(click.FloatRange):
    """Type of an option that takes numbers within limits; click's own takes "nan" for one."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Read a number, or fail with what is allowed."""
        number = float(super().convert(value, param, ctx))
        if math.isnan(number):
            self.fail(f"{value!r} is no number.", param, ctx)
        return number


def run_command(
    command: click.Command,
    arguments: Sequence[str],
    *,
    name: str,
    owns_process: bool = False,
) -> NoReturn:
    """Run a click command and end the process with the exit code that design promises.

    Args:
        command: what its function returns is the exit code (None: 0).
        arguments: the words after the program's name.
        name: the program's name in messages.
        owns_process: leave without unloading the libraries, which takes the engines a third of
            the time that one picture does. For a program that has closed what it opened.

    With `--debug` among the arguments a failure of ours keeps its traceback.
    """
    is_debug = "--debug" in arguments
    try:
        code = _invoke(command, arguments, name)
    except EdgeError as error:
        if is_debug:
            raise
        code = _fail(name, str(error), error.exit_code)
    except MemoryError:
        code = _fail(
            name, "out of memory; close other programs or use a smaller model", EXIT_FAILURE
        )
    except OSError as error:
        if is_debug:
            raise
        code = _fail_output(name, error)
    if owns_process:
        _leave(code)
    sys.exit(code)


def _invoke(command: click.Command, arguments: Sequence[str], name: str) -> int:
    if sys.stdout is None:
        return _fail(name, "standard output is closed; send it to a file", EXIT_FAILURE)
    try:
        # Not `command.main`: it has an opinion of its own on interrupts and broken pipes.
        with command.make_context(name, list(arguments)) as context:
            code = command.invoke(context)
        sys.stdout.flush()
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        return _fail(name, error.format_message(), EXIT_USAGE)
    except (KeyboardInterrupt, click.Abort):
        return _fail(name, "interrupted", EXIT_INTERRUPTED)
    return code or EXIT_DONE


def _leave(code: int) -> NoReturn:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit(code)


def _fail(name: str, message: str, code: int) -> int:
    line = " ".join(message.split())
    try:
        click.echo(f"{name}: {line}", err=True)
    except OSError:
        # Nobody is left to read the sentence; the exit code still tells.
        return code
    return code


def _fail_output(name: str, error: OSError) -> int:
    # What is still buffered cannot be written either: without this, the interpreter would
    # complain a second time when it shuts down.
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)
    if error.errno == errno.EPIPE:
        return EXIT_DONE
    what = "cannot write its output" if error.errno in _DISK_ERRORS else "failed"
    return _fail(
        name, f"{what}: {error.strerror or error}; free the device or write elsewhere", EXIT_FAILURE
    )
