"""An HTML document as PDF, printed by the machine's Chromium: a profile of its own, a time-out, no network."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from klineforge.errors import ConfigurationError, KlineForgeError

VARIABLE: Final = "KLINEFORGE_CHROMIUM"
NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge")
SECONDS: Final = 120.0
"""How long printing may take."""
_DRAWING_MILLISECONDS: Final = 20_000
_WINDOW: Final = "1560,1103"
"""A4 landscape at 96 dots per inch, by the 0.72 of the style: charts are drawn as wide as printed."""
_TOLD: Final = 400


class PrintingError(KlineForgeError):
    """Chromium was found and did not make a PDF."""


def find_chromium() -> str | None:
    """The program that prints: the one of ``KLINEFORGE_CHROMIUM``, else one on the path, else None.

    Raises:
        ConfigurationError: ``KLINEFORGE_CHROMIUM`` names no program.
    """
    named = os.environ.get(VARIABLE, "").strip()
    if named:
        found = shutil.which(named)
        if found is None:
            raise ConfigurationError(
                f"{VARIABLE} is {named!r}, which is no program that can be started; expected the path of Chromium or "
                "Chrome. Correct it, or unset it: then one on the path is used."
            )
        return found
    return next((found for name in NAMES if (found := shutil.which(name))), None)


def print_pdf(html: str, chromium: str, seconds: float = SECONDS) -> bytes:
    """Print a document.

    Args:
        html: The document; it has to stand alone.
        chromium: The program.
        seconds: How long it may take.

    Returns:
        The PDF.

    Raises:
        PrintingError: It took too long, ended with an error, or wrote no PDF.
    """
    with tempfile.TemporaryDirectory(prefix="klineforge-pdf-", ignore_cleanup_errors=True) as folder:
        place = Path(folder)
        page, target = place / "report.html", place / "report.pdf"
        page.write_text(html, encoding="utf-8")
        _run(_command(chromium, place / "profile", page, target), place, seconds)
        made = target.read_bytes() if target.is_file() else b""
    if not made.startswith(b"%PDF"):
        raise PrintingError(f"{chromium} ended without writing a PDF; is it Chromium or Chrome of the last years?")
    return made


def _command(chromium: str, profile: Path, page: Path, target: Path) -> list[str]:
    command = [
        chromium,
        "--headless=new",
        "--disable-gpu",
        "--disable-extensions",
        "--disable-sync",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--no-default-browser-check",
        # No name leads anywhere: the document is all there is.
        "--host-resolver-rules=MAP * ~NOTFOUND",
        f"--user-data-dir={profile}",
        f"--window-size={_WINDOW}",
        f"--virtual-time-budget={_DRAWING_MILLISECONDS}",
        "--no-pdf-header-footer",
        f"--print-to-pdf={target}",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        # Chromium refuses its sandbox to root, as which containers run; what it opens is our own file.
        command.append("--no-sandbox")
    return [*command, page.as_uri()]


def _run(command: list[str], folder: Path, seconds: float) -> None:
    """Run Chromium; when its time is up, it ends with all processes it started."""
    told = folder / "chromium.log"
    with told.open("wb") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder, start_new_session=True
        )
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired as error:
            raise PrintingError(
                f"{command[0]} did not print the report within {seconds:g} seconds and was ended; the HTML file is "
                "complete. A busy machine may need another try."
            ) from error
        finally:
            _end(process)
    if code != 0:
        last = told.read_text("utf-8", "replace").strip()[-_TOLD:]
        raise PrintingError(f"{command[0]} ended with code {code} instead of printing the report. It said: {last}")


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    finally:
        process.wait()
