"""One network under four runtimes: a picture from the start of the process, and many.

    python -m benchmarks.peers.predictor keras|pytorch|onnxruntime|imagewise FOLDER one.png
    python -m benchmarks.peers.predictor keras|pytorch|onnxruntime|imagewise FOLDER pictures.npy CALLS

FOLDER holds what `benchmarks.same_network` wrote, and model.onnx. Prints one line of JSON: the label and its
probability, or the times of CALLS calls with one picture and the rate of all at once (batches of 1,000 where the
runtime does not cut them itself).
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Predict = Callable[[Pixels], NDArray[np.float32]]
ROUNDS, BATCH = 10, 1000


def open_keras(folder: Path) -> tuple[Predict, Predict]:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import keras

    model = keras.models.load_model(folder / "model.keras")

    def predict(pictures: Pixels) -> NDArray[np.float32]:
        found: NDArray[np.float32] = model.predict(pictures.astype(np.float32), batch_size=BATCH, verbose=0)
        return found

    return predict, predict


def open_pytorch(folder: Path) -> tuple[Predict, Predict]:
    import torch
    from safetensors.torch import load_file

    from imagewise.networks.network import Network
    from imagewise.training.engines.pytorch.module import build_module

    network = Network.from_dict(json.loads((folder / "network.json").read_text()))
    model = build_module(network).eval()
    model.load_state_dict(load_file(folder / "weights.safetensors"))
    scale, shift = (torch.from_numpy(values)[:, None, None] for values in network.scale_and_shift)

    @torch.inference_mode()
    def predict(pictures: Pixels) -> NDArray[np.float32]:
        pixels = torch.from_numpy(pictures).permute(0, 3, 1, 2)
        parts = (pixels[at : at + BATCH] for at in range(0, len(pixels), BATCH))
        found: NDArray[np.float32] = torch.cat([model(part * scale + shift).softmax(1) for part in parts]).numpy()
        return found

    return predict, predict


def open_onnxruntime(folder: Path) -> tuple[Predict, Predict]:
    import onnxruntime as ort

    session = ort.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])

    def predict(pictures: Pixels) -> NDArray[np.float32]:
        found: NDArray[np.float32] = session.run(["probabilities"], {"pictures": pictures})[0]
        return found

    return predict, predict


def open_imagewise(folder: Path) -> tuple[Predict, Predict]:
    import imagewise

    model = imagewise.load_model(folder / "model.onnx")

    def one(pictures: Pixels) -> NDArray[np.float32]:
        return np.array([[model.predict(pictures[0]).probability]], np.float32)

    return one, model.predict_batch


OPENERS = {"keras": open_keras, "pytorch": open_pytorch, "onnxruntime": open_onnxruntime, "imagewise": open_imagewise}


def answer(picture: Path, predict: Predict) -> dict[str, object]:
    from PIL import Image

    probabilities = predict(np.asarray(Image.open(picture).convert("L"))[None, :, :, None])[0]
    return {"label": str(probabilities.argmax()), "probability": float(probabilities.max())}


def rates(pictures: Pixels, one: Predict, many: Predict, calls: int) -> dict[str, float]:
    for _ in range(min(10, calls)):
        one(pictures[:1])
    milliseconds = []
    for number in range(calls):
        picture = pictures[number % len(pictures)][None]
        start = perf_counter()
        one(picture)
        milliseconds.append(1000 * (perf_counter() - start))
    many(pictures)
    seconds = []
    for _ in range(ROUNDS):
        start = perf_counter()
        many(pictures)
        seconds.append(perf_counter() - start)
    p50, p99 = np.percentile(milliseconds, (50, 99))
    return {"p50": float(p50), "p99": float(p99), "bulk": len(pictures) / float(np.median(seconds))}


def main(runtime: str, folder: Path, pictures: Path, calls: int) -> None:
    one, many = OPENERS[runtime](folder)
    if pictures.suffix == ".npy":
        print(json.dumps(rates(np.load(pictures), one, many, calls)))
    else:
        print(json.dumps(answer(pictures, one)))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]) if len(sys.argv) > 4 else 1)
