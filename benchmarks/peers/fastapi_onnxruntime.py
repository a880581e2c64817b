"""A plain server for benchmarks/serving.py to compare with: FastAPI around onnxruntime, done the obvious way.

    MODEL=model.onnx uvicorn fastapi_onnxruntime:app --app-dir benchmarks/peers

The same model file and the same framing as ours. /predict is a `def`, which FastAPI runs in its thread pool, as its
guide says for work that blocks; /predict-in-loop is an `async def` that computes where it stands.
"""

import os
from typing import Annotated, Any

import onnxruntime as ort
from fastapi import Body, FastAPI, Request

from imagewise.framing.framing import frame_file
from imagewise.model.model import load_model

path = os.environ["MODEL"]
card = load_model(path).card
session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
app = FastAPI()


def answer(content: bytes) -> dict[str, Any]:
    framed = frame_file(content, card.framing)
    probabilities = session.run(["probabilities"], {"pictures": framed[None]})[0][0]
    best = probabilities.argsort()[::-1][:3]
    top = [{"label": card.class_names[i], "probability": float(probabilities[i])} for i in best]
    return {**top[0], "top": top}


@app.post("/predict")
def predict(content: Annotated[bytes, Body(media_type="image/png")]) -> dict[str, Any]:
    return answer(content)


@app.post("/predict-in-loop")
async def predict_in_loop(request: Request) -> dict[str, Any]:
    return answer(await request.body())
