"""Load `imagewise serve` and plain servers in turn; write the tables of docs/serving.md. Linux, MNIST and wrk needed.

    python -m benchmarks.serving [--model FILE]      3 minutes: rates and times, ours and plain ones'
    python -m benchmarks.serving --soak 10           10 minutes of mixed load, one request in ten bad
    python -m benchmarks.serving --kill              a worker killed under load, then SIGTERM under load
    python -m benchmarks.serving --edges             a minute: bad pictures; health beside 2 GB and 1,000 clients

wrk runs on the same machine as the server and takes its share of it; figures compare within one table only.
"""

from __future__ import annotations

import argparse
import io
import os
import platform
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from benchmarks.load.edges import edges
from benchmarks.load.servers import free_port, ours, plain, running, wrk
from benchmarks.load.standing import kill, soak
from PIL import Image

from imagewise.data.loading import load_data
from imagewise.model.model import shipped_model

PAGE = Path(__file__).parent.parent / "docs" / "serving.md"
PICTURES, CONNECTIONS, ROUNDS, SECONDS = 1000, 64, 3, 10
PACKAGES = ("imagewise", "onnxruntime", "starlette", "uvicorn", "uvloop", "httptools", "fastapi", "keras", "pillow")


def write_pictures(folder: Path) -> list[bytes]:
    """1,000 different test pictures of MNIST, as PNG files 0.png, 1.png ..."""
    images = load_data("mnist")["test"].images
    chosen = np.random.default_rng(0).choice(len(images), PICTURES, replace=False)
    contents = []
    for number, place in enumerate(chosen):
        file = io.BytesIO()
        Image.fromarray(images[place, :, :, 0]).save(file, format="PNG")
        contents.append(file.getvalue())
        (folder / f"{number}.png").write_bytes(contents[-1])
    return contents


def compare(model: Path, folder: Path, pictures: Sequence[bytes]) -> str:
    """All servers up at once, loaded one after the other, three rounds; medians."""
    servers = {
        "ours": ("imagewise serve", ours, "/predict", (CONNECTIONS, 1)),
        "plain": ("FastAPI, onnxruntime, `def`", "fastapi_onnxruntime", "/predict", (CONNECTIONS, 1)),
        "loop": ("FastAPI, onnxruntime, `async def`", "fastapi_onnxruntime", "/predict-in-loop", (CONNECTIONS,)),
        "keras": ("FastAPI, Keras `predict`", "fastapi_keras", "/predict", (CONNECTIONS,)),
    }
    measured: dict[tuple[str, int], list[dict[str, Any]]] = {}
    with ExitStack() as stack:
        up = {}
        for key, (_, what, _, _) in servers.items():
            port = free_port()
            command = ours(model, port) if key == "ours" else plain(str(what), port)
            up[key] = stack.enter_context(running(command, port, model, pictures[0], folder))
        for number in range(ROUNDS):
            for key, (_, _, path, connections) in servers.items():
                for count in connections if key != "keras" or number == 0 else ():  # far off: once will do
                    result = wrk("pictures.lua", up[key].address + path, count, SECONDS, folder, PICTURES)
                    if result["errors"]:
                        raise SystemExit(f"{key}: {result['errors']} errors of {result['requests']} requests.")
                    measured.setdefault((key, count), []).append(result)
                    print(key, count, result, flush=True)
    middle = {
        key: {k: median(r[k] for r in rounds) for k in ("rate", "p50", "p99")} for key, rounds in measured.items()
    }
    lines = [
        f"| {CONNECTIONS} connections, one worker | requests/s | p50 | p99 | p50 at 1 connection |",
        "|---|---|---|---|---|",
    ]
    for key, (name, _, _, connections) in servers.items():
        many = middle[key, CONNECTIONS]
        alone = f"{middle[key, 1]['p50']:.2f} ms" if 1 in connections else ""
        lines.append(f"| {name} | {many['rate']:,.0f} | {many['p50']:.1f} ms | {many['p99']:.1f} ms | {alone} |")
    lines += ["", "| ours over | bar | requests/s | bar | p50 at 1 connection |", "|---|---|---|---|---|"]
    for key, bar, alone_bar in (("plain", ">= 1.5", "<= 1.2"), ("loop", "", ""), ("keras", ">= 8", "")):
        ratio = middle["ours", CONNECTIONS]["rate"] / middle[key, CONNECTIONS]["rate"]
        alone = f"{middle['ours', 1]['p50'] / middle[key, 1]['p50']:.2f}" if (key, 1) in middle else ""
        lines.append(f"| {servers[key][0]} | {bar} | {ratio:.2f} | {alone_bar} | {alone} |")
    p99 = middle["ours", CONNECTIONS]["p99"]
    return "\n".join(
        [*lines, "", f"Bar for p99 at {CONNECTIONS} connections: 60 ms; ours: {p99:.1f} ms. n = {ROUNDS}, for Keras 1."]
    )


def write(name: str, text: str) -> None:
    """Put a table between its markers in docs/serving.md, with the date, the machine and the versions."""
    begin, end = f"<!-- begin: {name} -->", f"<!-- end: {name} -->"
    stamp = f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores ({_processor()}), {platform.system()}"
    versions = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    before, found, rest = PAGE.read_text().partition(begin)
    if not found:
        raise SystemExit(f"{PAGE}: no marker {begin}.")
    after = rest.partition(end)[2]
    measured = f"Measured {stamp}; Python {platform.python_version()}, {versions}, wrk {_wrk_version()}."
    PAGE.write_text(f"{before}{begin}\n{measured}\n\n{text}\n{end}{after}")
    print(text)


def _wrk_version() -> str:
    words = subprocess.run(["wrk", "-v"], capture_output=True, text=True).stdout.split()
    return words[1].removeprefix("debian/") if len(words) > 1 else "?"


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def main() -> None:
    parser = argparse.ArgumentParser(description="Load imagewise serve.")
    parser.add_argument("--model", type=Path, default=shipped_model(), help="a model.onnx for 28x28 ink")
    parser.add_argument("--soak", type=float, metavar="MINUTES", help="mixed load, one request in ten bad")
    parser.add_argument("--kill", action="store_true", help="kill a worker, then SIGTERM, under load")
    parser.add_argument("--edges", action="store_true", help="bad pictures; health beside large and slow bodies")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pictures = write_pictures(folder)
        if arguments.soak:
            write("soak", soak(arguments.model, folder, pictures, arguments.soak))
        elif arguments.kill:
            write("kill", kill(arguments.model, folder, pictures))
        elif arguments.edges:
            write("edges", edges(arguments.model, folder, pictures))
        else:
            write("figures", compare(arguments.model, folder, pictures))


if __name__ == "__main__":
    main()
