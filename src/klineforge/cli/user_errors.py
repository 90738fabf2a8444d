"""Mistakes a user can mend are shown as a message; everything else keeps its traceback."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import click

from klineforge.errors import ConfigurationError, KlineForgeError

_KEDRO_REFUSALS = (
    "Failed to find the pipeline named",
    "Pipeline does not contain",
    "Pipeline contains no nodes",
    "Async data loading and saving does not work",
)


class UserErrorMessage(click.ClickException):
    """Ends a command with one message on standard error and exit code 1."""

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the message; only its first word is coloured, the rest may be copied."""
        click.echo(f"{click.style('Error:', fg='red', bold=True)} {self.format_message()}", file=file, err=True)


class PlainErrorsCommand(click.Command):
    """A command whose user errors end in a message instead of a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Call the command."""
        with user_errors_as_messages():
            return super().invoke(ctx)


@contextmanager
def user_errors_as_messages() -> Iterator[None]:
    """Turn user errors raised inside into ``UserErrorMessage``; the traceback goes to the log at DEBUG.

    Raises:
        UserErrorMessage: In place of an error the user can mend.
    """
    try:
        yield
    except Exception as error:
        mistake = user_error_in(error)
        if mistake is None:
            raise
        logging.getLogger(__name__).debug("the error shown to the user, in full", exc_info=error)
        raise UserErrorMessage(str(mistake)) from error


def user_error_in(error: BaseException) -> Exception | None:
    """The user's mistake behind an error.

    Kedro wraps what a dataset raises in ``DatasetError`` and collects what typed parameters raise into
    ``ParameterValidationError``; the first is looked through, the second is a mistake in itself, and so is
    ``MissingConfigException``, an environment that does not exist. So are files of YAML that cannot be read.

    Args:
        error: What a command raised.

    Returns:
        The error whose message the user should see, or None when it is a fault of the program.
    """
    # Imported here: these cost a third of a second that --help need not spend.
    from kedro.config import MissingConfigException
    from kedro.io import DatasetError
    from kedro.validation.exceptions import ParameterValidationError
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError

    cause: BaseException | None = error
    while isinstance(cause, DatasetError):
        cause = cause.__cause__
    mistakes = (KlineForgeError, ParameterValidationError, MissingConfigException)
    if isinstance(cause, mistakes):
        return cause
    if isinstance(cause, (OmegaConfBaseException, YAMLError)):
        said = " ".join(str(cause).split())
        return ConfigurationError(f"the configuration cannot be read: {said}. What to do: correct the file below conf/")
    # Kedro has no types of its own for these; what it says is plain enough.
    named_wrongly = isinstance(cause, ValueError) and str(cause).startswith(_KEDRO_REFUSALS)
    return cause if named_wrongly and isinstance(cause, Exception) else None
