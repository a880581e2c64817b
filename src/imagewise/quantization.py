"""A model file in 8-bit integers, by onnxruntime's quantiser: a quarter of the size."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static
from onnxruntime.quantization.quant_utils import add_pre_process_metadata

BATCH = 100


class _Pictures(CalibrationDataReader):  # type: ignore[misc]
    """What the quantiser sees to learn how large the values inside become."""

    def __init__(self, pictures: NDArray[np.uint8]) -> None:
        self._batches = (pictures[start : start + BATCH] for start in range(0, len(pictures), BATCH))

    def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
        """The next input, None after the last."""
        batch = next(self._batches, None)
        return None if batch is None else {"pictures": np.ascontiguousarray(batch)}


def quantize(content: bytes, pictures: NDArray[np.uint8]) -> bytes:
    """The bytes of a model file with Conv and Gemm in 8 bits, scales fixed by what `pictures` make; no metadata.

    Measured on MNIST (test accuracy in %, perceptron and convnet): float32 97.45 and 98.93; this 97.45 and 98.94. With
    full-range weights 97.33 and 98.22: processors without VNNI add 16-bit sums that overflow, hence `reduce_range`.
    With scales found anew for each picture (dynamic) 97.45 and 98.94 too, but the convnet takes 8 times as long.
    """
    model = onnx.shape_inference.infer_shapes(onnx.load_from_string(content))
    add_pre_process_metadata(model)  # or it logs advice to do what the line above has done
    with TemporaryDirectory() as folder:
        source, target = Path(folder) / "model.onnx", Path(folder) / "int8.onnx"
        onnx.save(model, source)
        quantize_static(
            source,
            target,
            _Pictures(pictures),
            # not Softmax: logits and probabilities have to agree
            op_types_to_quantize=["Conv", "Gemm", "MaxPool", "Relu"],
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            per_channel=True,
            reduce_range=True,
        )
        return target.read_bytes()
