"""A static folder that recognises pictures in the browser: the page of `serve`, the model, and onnxruntime-web."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imagewise.atomic import reason
from imagewise.errors import DownloadError, EngineError, TrainingError
from imagewise.export.checking import fewer_of_large
from imagewise.export.onnx_reader import read_content
from imagewise.model.card import ModelCard
from imagewise.model.model import Model
from imagewise.model.session import Logits, Probabilities
from imagewise.paths import cache_dir
from imagewise.web.files import render_page, static_files

VERSION = "1.30.0"
RUNTIME_BYTES = 14_314_404  # of these files together: 14 of the package's 130 MB
# SHA-256 of the files that run ONNX on one thread of the CPU
RUNTIME = {
    "ort.wasm.min.mjs": "219e6a1fc8a9938268d18efca3c91d310bd2f4a59bbd13744df5b2b7fc6cee3b",
    "ort-wasm-simd-threaded.mjs": "e13f7f94fc51b4ca72b12faeb1ee95f4ace6dfbc8939bc718aabdc0a27c4299b",
    "ort-wasm-simd-threaded.wasm": "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2",
}
_FETCH_SECONDS = 600
_POLICY = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; object-src 'none'; base-uri 'none'"
# Reads the pictures' bytes; writes the probabilities of all, then their logits, as float32.
_SCRIPT = """
import { readFileSync, writeSync } from "node:fs";
import * as ort from "./static/onnxruntime/ort.wasm.min.mjs";
ort.env.wasm.numThreads = 1;
const [count, ...shape] = process.argv.slice(2).map(Number);
const session = await ort.InferenceSession.create(new Uint8Array(readFileSync("model.onnx")));
const pictures = new ort.Tensor("uint8", new Uint8Array(readFileSync(0)), [count, ...shape]);
const { probabilities, logits } = await session.run({ pictures });
for (const { data } of [probabilities, logits]) {
  let bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  while (bytes.length) bytes = bytes.subarray(writeSync(1, bytes));
}
"""
_BATCH = 100  # small pictures a process of Node.js


def describe_size(model: Model) -> str:
    """The size of the folder, before it is written: `28.0 MB: the model 13.5 MB, onnxruntime-web 14.3 MB ...`.

    Raises:
        ModelError: the model file cannot be read.
    """
    page = sum(len(content) for content in static_files().values())
    parts = {"the model": len(read_content(Path(model.name))), "onnxruntime-web": RUNTIME_BYTES, "the page": page}
    listed = ", ".join(f"{name} {size / 1e6:.1f} MB" for name, size in parts.items())
    return f"{sum(parts.values()) / 1e6:.1f} MB: {listed}"


def write_folder(model: Model, folder: Path, *, offline: bool = False) -> None:
    """Write the page, the model and onnxruntime-web into `folder`, which is made.

    Raises:
        ModelError: the model file cannot be read.
        EngineError: npm is needed to download onnxruntime-web and is not installed.
        DownloadError: onnxruntime-web could not be downloaded, or is not in the cache and `offline` forbids it.
    """
    source = Path(model.name)
    content = read_content(source)
    runtime = fetch_runtime(offline=offline)
    static = folder / "static"
    static.mkdir(parents=True)
    for name, file in static_files().items():
        (static / name).write_bytes(file)
    shutil.copytree(runtime, static / "onnxruntime")
    (folder / "model.onnx").write_bytes(content)
    (folder / "card.json").write_text(json.dumps(public_card(model.card, source.name)), encoding="utf-8")
    (folder / "index.html").write_text(render_page("index", answers="browser", policy=_POLICY), encoding="utf-8")


def public_card(card: ModelCard, name: str) -> dict[str, Any]:
    """What the page shows of a model: its card without the sketch of the training pictures, which is large."""
    values = card.as_dict()
    values["data"] = {key: value for key, value in values.get("data", {}).items() if key != "sketch"}
    return {"name": name} | values


def fetch_runtime(*, offline: bool = False) -> Path:
    """The cache folder with onnxruntime-web's files. npm downloads them once; their hashes are checked at every call.

    Raises:
        EngineError, DownloadError, OutputError: see `write_folder`.
    """
    folder = cache_dir(f"onnxruntime-web-{VERSION}")
    if _is_whole(folder):
        return folder
    if offline:
        raise DownloadError(
            f"onnxruntime-web {VERSION} is not in the cache ({folder}). Run the export once without --offline."
        )
    npm = shutil.which("npm")
    if npm is None:
        raise EngineError(
            "--to web downloads onnxruntime-web with npm, which is not installed. Install Node.js "
            "(https://nodejs.org; Debian: `apt install npm`), then try again."
        )
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
            fetched = _pack(npm, Path(temporary))
            if not _is_whole(fetched):
                raise DownloadError(
                    f"onnxruntime-web {VERSION} from npm has other files than the tested ones. Nothing was kept. "
                    "Check npm's registry (npm config get registry), then try again."
                )
            shutil.rmtree(folder, ignore_errors=True)
            fetched.rename(folder)
    except OSError as error:
        raise DownloadError(
            f"onnxruntime-web {VERSION} cannot be stored in {folder}: {reason(error)}. Free some space, or name "
            "another cache folder (XDG_CACHE_HOME)."
        ) from error
    return folder


def _pack(npm: str, folder: Path) -> Path:
    """Download the package with npm into `folder`; returns the folder of the files that are needed."""
    command = [npm, "pack", "--silent", "--pack-destination", str(folder), f"onnxruntime-web@{VERSION}"]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, cwd=folder, timeout=_FETCH_SECONDS)
        files = folder / "files"
        files.mkdir()
        with tarfile.open(next(folder.glob("*.tgz"))) as package:
            for name in RUNTIME:
                content = package.extractfile(f"package/dist/{name}")
                if content is not None:
                    (files / name).write_bytes(content.read())
    except (OSError, subprocess.SubprocessError, StopIteration, KeyError, tarfile.TarError) as error:
        said = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
        raise DownloadError(
            f"npm cannot download onnxruntime-web {VERSION} ({said[-1] if said else 'no reason given'}). "
            "Check the connection and npm's registry, then try again."
        ) from error
    return files


def _is_whole(folder: Path) -> bool:
    return all(
        (folder / name).is_file() and hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
        for name, digest in RUNTIME.items()
    )


def run_in_node(folder: Path, pictures: NDArray[np.uint8]) -> tuple[Probabilities, Logits]:
    """Probabilities and logits of the exported model in Node.js, each (N, classes) float32.

    Raises:
        EngineError: Node.js is not installed.
        TrainingError: the model does not run there.
    """
    node = shutil.which("node")
    if node is None:
        raise EngineError("--to web checks its result in Node.js, which is not installed. Install it, then try again.")
    batch = fewer_of_large(_BATCH, pictures.shape[1:], least=1)
    parts = [_run_batch(node, folder, pictures[start : start + batch]) for start in range(0, len(pictures), batch)]
    return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])


def _run_batch(node: str, folder: Path, pictures: NDArray[np.uint8]) -> tuple[Probabilities, Logits]:
    script = folder / "check.mjs"
    script.write_text(_SCRIPT, encoding="utf-8")
    try:
        command = [node, script.name, *map(str, pictures.shape)]
        answer = subprocess.run(command, input=pictures.tobytes(), capture_output=True, check=True, cwd=folder).stdout
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip().splitlines()
        raise TrainingError(
            f"the model does not run in onnxruntime-web: {said[-1] if said else error}. Nothing was kept."
        ) from error
    finally:
        script.unlink()
    probabilities, logits = np.frombuffer(answer, dtype=np.float32).reshape(2, len(pictures), -1)
    return probabilities, logits
