"""Parameters of the indicators are refused with what to do instead."""

from __future__ import annotations

from pathlib import Path

import pytest
from kedro.config import OmegaConfigLoader

from klineforge.errors import ConfigurationError
from klineforge.pipelines.marts.nodes import IndicatorOptions
from klineforge.recipes import marts

CONF = Path(__file__).resolve().parents[2] / "conf"


@pytest.mark.parametrize("least", [1, 721, 360.0, True, "360"])
def test_indicator_options_minimum_outside_the_window_is_refused(least: object) -> None:
    with pytest.raises(ConfigurationError, match=r"min_observations must be a whole number from 2 to 720, found"):
        IndicatorOptions(min_observations=least)  # type: ignore[arg-type]


@pytest.mark.parametrize("coin", ["", "BTC USDT", None, 7])
def test_indicator_options_reference_that_names_no_coin_is_refused(coin: object) -> None:
    with pytest.raises(ConfigurationError, match="reference_coin must be a coin as the exchange names it, found"):
        IndicatorOptions(reference_coin=coin)  # type: ignore[arg-type]


def test_indicator_options_of_the_project_are_the_defaults_and_ends_of_the_range_pass() -> None:
    loader = OmegaConfigLoader(str(CONF), base_env="base", default_run_env="base")
    assert IndicatorOptions(**loader["parameters"]["indicators"]) == IndicatorOptions()
    assert IndicatorOptions("ETHUSDT", 2) != IndicatorOptions("ETHUSDT", 720)


def test_indicators_of_other_parameters_are_another_version_of_the_table() -> None:
    versions = {marts.indicators(coin, least).version for coin in ("BTCUSDT", "ETHUSDT") for least in (100, 360)}
    assert len(versions) == 4
