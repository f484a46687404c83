"""Takes the pictures of README.md from a demo's report: `make pictures`. Needs chromium."""

import base64
import shutil
import sys
import tempfile
from pathlib import Path

from docs.generate import PICTURES, printed
from harness.devtools import Page, page

WIDTH, HEIGHT = 1080, 810
QUIET = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars")
TOP = "({x: 0, y: 0})"
OPEN_DAY = "(() => { const r = document.querySelector('#day-page').getBoundingClientRect(); return {x: 0, y: r.top + scrollY - 24}; })()"


def main() -> None:
    """Runs the demo, opens its report, and keeps the top of it and of the blocked day's page."""
    browser = shutil.which("chromium")
    if browser is None:
        sys.exit("There is no chromium here; install it first.")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        shown = printed(folder, "demo", "--no-prefect")
        blocked = shown.split("* without the blocked day ")[1].split()[0]
        report = (folder / "mixflows-demo" / "report.html").as_uri()
        with page(browser, QUIET, folder) as reader:
            reader.open(report, WIDTH, HEIGHT, dark=False)
            _keep(reader, TOP, PICTURES / "report.webp")
            reader.open(f"{report}#day-{blocked}", WIDTH, HEIGHT, dark=False)
            _keep(reader, OPEN_DAY, PICTURES / "day.webp")


def _keep(reader: Page, corner: str, file: Path) -> None:
    """Keeps what a window shows whose upper left corner is there."""
    clip = {**reader.value(corner), "width": WIDTH, "height": HEIGHT, "scale": 1}
    taken = reader.send("Page.captureScreenshot", format="webp", quality=85, captureBeyondViewport=True, clip=clip)
    file.write_bytes(base64.b64decode(taken["data"]))
    print(f"wrote {file.relative_to(Path.cwd())}, {file.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
