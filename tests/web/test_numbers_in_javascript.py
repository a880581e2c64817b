"""Percentages on the pages are those of the reports: the same digits, the same words."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

import imagewise
from imagewise.display.formatting import interval, percent, points
from imagewise.evaluation.metrics import wilson_interval

NODE = shutil.which("node")
FORMAT = Path(imagewise.__file__).parent / "web" / "static" / "format.js"
SCRIPT = """
import { readFileSync } from "node:fs";
const source = readFileSync(process.argv[1], "utf8");
const { share, interval, points } = await import("data:text/javascript," + encodeURIComponent(source));
const cases = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(cases.map(([f, bounds, n]) => [share(f, n), interval(bounds, n), points(f, n)])));
"""

pytestmark = pytest.mark.skipif(NODE is None, reason="needs Node.js to run the page's JavaScript")


def test_fractions_intervals_and_differences_read_as_in_python() -> None:
    cases = [
        (right / count, wilson_interval(right, count), count)
        for count in (1, 8, 40, 200, 499, 500, 1000, 4999, 5000, 10_000, 60_000)
        for right in sorted({0, 1, count // 8, count // 3, count // 2, count - count // 16, count - 1, count})
    ]
    command = [str(NODE), "--input-type=module", "-e", SCRIPT, str(FORMAT)]
    done = subprocess.run(command, input=json.dumps(cases), capture_output=True, text=True, check=True)
    wanted = [[percent(share, n), interval(bounds, n), points(share, n)] for share, bounds, n in cases]
    assert json.loads(done.stdout) == wanted
