"""``klineforge`` and ``python -m klineforge``: the commands of ``kedro klineforge`` under a shorter name."""

from __future__ import annotations

from klineforge.cli import klineforge


def main() -> None:
    """Run the console script."""
    klineforge(prog_name="klineforge")


if __name__ == "__main__":
    main()
