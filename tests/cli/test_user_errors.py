"""Which errors end in a message, and which keep their traceback."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from kedro.config import MissingConfigException, OmegaConfigLoader
from kedro.framework.cli.project import run as kedro_run
from kedro.io import DatasetError
from kedro.validation.exceptions import DataValidationError, ParameterValidationError

from klineforge.cli.running import run
from klineforge.cli.user_errors import PlainErrorsCommand, user_error_in
from klineforge.errors import ConfigurationError, ContractError, ExchangeError


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


def command_raising(error: Exception) -> click.Command:
    def callback() -> None:
        raise error

    return PlainErrorsCommand("failing", callback=callback)


MISTAKE = ConfigurationError("start is after end; swap them")


@pytest.mark.parametrize(
    ("error", "mistake"),
    [
        (MISTAKE, MISTAKE),
        (caused(DatasetError("Failed while loading data"), MISTAKE), MISTAKE),
        (caused(DatasetError("outer"), caused(DatasetError("inner"), MISTAKE)), MISTAKE),
        (caused(DataValidationError("failed"), contract := ContractError("two rows per key")), contract),
        (typed := ParameterValidationError("limits.hours is 25"), typed),
        (missing := MissingConfigException("conf/nope does not exist"), missing),
    ],
)
def test_user_error_in_wrapped_mistake_finds_it(error: Exception, mistake: Exception) -> None:
    assert user_error_in(error) is mistake


@pytest.mark.parametrize(
    "error",
    [
        ValueError("a fault"),
        DatasetError("a fault without a cause"),
        caused(DatasetError("a fault"), OSError("disk")),
        caused(ValueError("a fault while telling the user"), MISTAKE),
    ],
)
def test_user_error_in_fault_of_the_program_finds_none(error: Exception) -> None:
    assert user_error_in(error) is None


@pytest.mark.parametrize("text", ["a: [1,\nb: }", "a: 'b", "coins: ${nothing:x}"])
def test_configuration_that_cannot_be_read_is_a_mistake(text: str, tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "parameters.yml").write_text(text)
    with pytest.raises(Exception, match=".") as raised:
        OmegaConfigLoader(str(tmp_path), base_env="base", default_run_env="base")["parameters"]

    mistake = user_error_in(raised.value)
    assert isinstance(mistake, ConfigurationError)
    assert str(mistake).startswith("the configuration cannot be read: ")
    assert "What to do: correct the file" in str(mistake)


def test_user_error_in_error_raised_while_handling_a_mistake_finds_none() -> None:
    fault = DatasetError("something else broke")
    fault.__context__ = MISTAKE

    assert user_error_in(fault) is None


def test_plain_errors_command_user_error_prints_message_and_exits_one() -> None:
    error = ExchangeError("no answer", coin="BTCUSDT", advice="try again later")

    result = CliRunner().invoke(command_raising(error))

    assert result.exit_code == 1
    assert result.stderr == "Error: binance BTCUSDT: no answer\n  what to do: try again later\n"
    assert result.stdout == ""


def test_plain_errors_command_fault_keeps_its_exception() -> None:
    fault = ZeroDivisionError("a fault")

    result = CliRunner().invoke(command_raising(fault))

    assert result.exception is fault


def test_run_command_offers_every_option_of_kedro() -> None:
    assert run.name == kedro_run.name
    assert run.params == kedro_run.params
    assert run.callback is kedro_run.callback
