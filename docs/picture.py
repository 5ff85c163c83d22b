"""Makes the README's picture: measures a small matrix, reports it, and takes a screenshot of the page.

    python docs/picture.py [REPORTS]

Runs that are already in the folder REPORTS are used again. Needs the extra ``test`` and a Chromium (CHROMIUM names
another than the one on the path).
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

PICTURE = Path(__file__).resolve().parent / "images" / "report.png"
MATRIX = ("model=ppocrv4_mobile,ppocrv6_small", "precision=FP32,BF16,INT8")
SHOWN = "ppocrv6_small BF16"
WIDTH = 1080


def main(reports: Path) -> None:
    """Measure, report, and take the screenshot of the section that shows the most."""
    ocrbench = (sys.executable, "-m", "ocrbench")
    subprocess.run([*ocrbench, "-m", *MATRIX, f"reports_dir={reports}"], check=True)
    page_file = reports / "report.html"
    subprocess.run([*ocrbench, "report", str(reports), "--output", str(page_file)], check=True)
    with sync_playwright() as playwright:
        chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(
            viewport={"width": WIDTH, "height": 1400}, color_scheme="light", device_scale_factor=1.5
        )
        page.goto(page_file.as_uri())
        page.wait_for_selector("#pareto .main-svg")
        page.locator("#pareto select").last.select_option(label=SHOWN)
        page.wait_for_timeout(1000)
        PICTURE.parent.mkdir(exist_ok=True)
        page.locator("#pareto").screenshot(path=PICTURE)
        browser.close()
    # A palette is enough for a page of text, and a third of the size.
    with Image.open(PICTURE) as picture:
        colours = picture.convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    colours.save(PICTURE, optimize=True)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]).resolve())
    else:
        with tempfile.TemporaryDirectory() as folder:
            main(Path(folder))
