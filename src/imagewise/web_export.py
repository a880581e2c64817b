"""A static folder that recognises in the browser: the page of `serve`, the model, and onnxruntime-web from npm."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imagewise.errors import DownloadError, EngineError, TrainingError
from imagewise.model import Card, Logits, Model, Probabilities

PAGE = Path(__file__).parent / "server" / "page"
LINKS = "<!-- links to the other pages -->"  # where a server puts them into its pages
VERSION = "1.30.0"
# Of the package only what runs ONNX on one thread of the CPU: 14 of its 130 MB. SHA-256 of each.
RUNTIME = {
    "ort.wasm.min.mjs": "219e6a1fc8a9938268d18efca3c91d310bd2f4a59bbd13744df5b2b7fc6cee3b",
    "ort-wasm-simd-threaded.mjs": "e13f7f94fc51b4ca72b12faeb1ee95f4ace6dfbc8939bc718aabdc0a27c4299b",
    "ort-wasm-simd-threaded.wasm": "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2",
}
_LONGEST_FETCH = 600  # seconds
_SECURITY = (
    '<meta http-equiv="Content-Security-Policy" '
    "content=\"default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; object-src 'none'; base-uri 'none'\">"
)
# Reads the pictures' bytes, prints a row of probabilities and logits for each, as float32.
_ASK = """
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
_BATCH = 100


def write_folder(model: Model, folder: Path, *, offline: bool = False) -> None:
    """Write the page, the model and what runs it into `folder`, which is made.

    Raises:
        EngineError: npm is needed to fetch onnxruntime-web and is not installed.
        DownloadError: it could not be fetched, or `offline` and it was never fetched before.
    """
    runtime = fetch_runtime(offline=offline)
    static = folder / "static"
    shutil.copytree(PAGE, static, ignore=shutil.ignore_patterns("*.html", "__pycache__"))
    shutil.copytree(runtime, static / "onnxruntime")
    shutil.copyfile(model.name, folder / "model.onnx")
    (folder / "card.json").write_text(json.dumps(public_card(model.card, Path(model.name).name)), encoding="utf-8")
    (folder / "index.html").write_text(page_of_the_browser((PAGE / "index.html").read_text("utf-8")), encoding="utf-8")


def page_of_the_browser(page: str) -> str:
    """The page told to answer by itself, and held to its own files."""
    marked, place = 'data-answers="server"', '<meta charset="utf-8">'
    assert marked in page
    assert place in page
    page = page.replace(f"    {LINKS}\n", "")  # to pages that only a server has
    return page.replace(marked, 'data-answers="browser"').replace(place, f"{place}\n  {_SECURITY}")


def public_card(card: Card, name: str) -> dict[str, object]:
    """What the page shows of a model: its card without the sketch of the training pictures, which is large."""
    data = {key: value for key, value in card.data.items() if key != "sketch"}
    return {"name": name} | card.as_dict() | {"data": data}


def fetch_runtime(*, offline: bool = False) -> Path:
    """The folder in the cache that holds onnxruntime-web's files, fetched by npm at the first call, always verified.

    Raises:
        EngineError, DownloadError: see `write_folder`.
    """
    import platformdirs

    folder: Path = platformdirs.user_cache_path("imagewise", appauthor=False) / f"onnxruntime-web-{VERSION}"
    if _is_whole(folder):
        return folder
    if offline:
        raise DownloadError(
            f"onnxruntime-web {VERSION} is not in the cache ({folder}); run the export once without --offline."
        )
    npm = shutil.which("npm")
    if npm is None:
        raise EngineError(
            "--to web takes onnxruntime-web from npm, and there is no npm. Install Node.js (https://nodejs.org; "
            "Debian: `apt install npm`) and try again."
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        fetched = _pack(npm, Path(temporary))
        if not _is_whole(fetched):
            raise DownloadError(f"onnxruntime-web {VERSION} from npm is not what was tested; nothing was kept.")
        shutil.rmtree(folder, ignore_errors=True)
        fetched.rename(folder)
    return folder


def _pack(npm: str, folder: Path) -> Path:
    command = [npm, "pack", "--silent", "--pack-destination", str(folder), f"onnxruntime-web@{VERSION}"]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, cwd=folder, timeout=_LONGEST_FETCH)
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
            f"onnxruntime-web {VERSION} could not be fetched by npm ({said[-1] if said else 'no reason given'}). "
            "Check the connection and npm's registry."
        ) from error
    return files


def _is_whole(folder: Path) -> bool:
    return all(
        (folder / name).is_file() and hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
        for name, digest in RUNTIME.items()
    )


def run_in_node(folder: Path, pictures: NDArray[np.uint8]) -> tuple[Probabilities, Logits]:
    """What the exported files answer, by Node.js: probabilities and logits, each (N, classes) float32.

    Raises:
        EngineError: there is no Node.js.
        TrainingError: the model does not run there.
    """
    node = shutil.which("node")
    if node is None:
        raise EngineError("--to web checks what it wrote by Node.js, and there is none. Install it and try again.")
    parts = [_ask(node, folder, pictures[start : start + _BATCH]) for start in range(0, len(pictures), _BATCH)]
    return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])


def _ask(node: str, folder: Path, pictures: NDArray[np.uint8]) -> tuple[Probabilities, Logits]:
    script = folder / "ask.mjs"
    script.write_text(_ASK, encoding="utf-8")
    try:
        command = [node, script.name, *map(str, pictures.shape)]
        answer = subprocess.run(command, input=pictures.tobytes(), capture_output=True, check=True, cwd=folder).stdout
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip().splitlines()
        raise TrainingError(f"the model does not run in onnxruntime-web: {said[-1] if said else error}.") from error
    finally:
        script.unlink()
    probabilities, logits = np.frombuffer(answer, dtype=np.float32).reshape(2, len(pictures), -1)
    return probabilities, logits
