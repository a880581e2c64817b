"""A plain server for benchmarks/serving.py to compare with: FastAPI around Keras `predict`, done the obvious way.

    MODEL=model.onnx uvicorn fastapi_keras:app --app-dir benchmarks/peers

The network and the weights of the model file, as a Keras model; the same framing as ours.
"""

import os
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
from fastapi import FastAPI, Request

from imagewise.export.onnx_reader import read_network
from imagewise.framing.framing import frame_file
from imagewise.model.model import load_model
from imagewise.training.engines.tensorflow.framework import keras
from imagewise.training.engines.tensorflow.reader import KerasNetwork

opened = load_model(os.environ["MODEL"])
network, weights = read_network(Path(os.environ["MODEL"]), opened)
reader = KerasNetwork(network)
reader.load(weights)
model = keras.Sequential([reader.model, keras.layers.Softmax()])
card = opened.card
app = FastAPI()


@app.post("/predict")
async def predict(request: Request) -> dict[str, Any]:  # one after the other: 40 threads in `predict` took far longer
    framed = frame_file(await request.body(), card.framing)
    probabilities = model.predict(framed[None].astype(np.float32), verbose=0)[0]
    best = probabilities.argsort()[::-1][:3]
    top = [{"label": card.class_names[i], "probability": float(probabilities[i])} for i in best]
    return {**top[0], "top": top}
