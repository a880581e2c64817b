"""Occlusion against a plain loop."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from imagewise.framing.framing import Framing
from imagewise.model.model import Model, load_model
from imagewise.model.occlusion import occlusion, patch_size
from running_servers import digit, model_with


@pytest.mark.parametrize("kind", ["ink", "photo"])
def test_it_is_what_hiding_one_patch_after_another_takes_away(tmp_path: Any, kind: str) -> None:
    framing = Framing(kind, 28, 28, 1).as_dict()  # type: ignore[arg-type]
    model = Model.open(model_with(tmp_path / "model.onnx", framing=framing))
    framed = 255 - np.asarray(Image.open(io.BytesIO(digit())))[..., None]
    before = model.predict_batch(framed[None])[0]
    best = int(before.argmax())
    wanted = np.zeros((7, 7))
    for row in range(7):
        for column in range(7):
            hidden = framed.copy()
            hidden[4 * row : 4 * row + 4, 4 * column : 4 * column + 4] = 0 if kind == "ink" else 128
            wanted[row, column] = max(before[best] - model.predict_batch(hidden[None])[0, best], 0)
    assert np.allclose(occlusion(model, framed, before), wanted, atol=1e-5)
    assert wanted.max() > 0.01


@pytest.mark.parametrize(
    ("height", "width", "side"), [(28, 28, 4), (80, 80, 6), (112, 96, 8), (96, 128, 19), (224, 224, 32), (3, 3, 4)]
)
def test_fewer_places_of_large_pictures_are_hidden(height: int, width: int, side: int) -> None:
    assert patch_size(height, width) == side


def test_hiding_nothing_but_ground_changes_nothing() -> None:
    model = load_model()
    framed = np.zeros(model.framing.shape, dtype=np.uint8)
    assert not occlusion(model, framed, model.predict_batch(framed[None])[0]).any()
