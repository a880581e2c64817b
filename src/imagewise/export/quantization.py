"""A model file in 8-bit integers, a quarter of the size, by onnxruntime's quantiser."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
import onnx.version_converter
from numpy.typing import NDArray

from imagewise.export.checking import fewer_of_large
from imagewise.model.half import as_single, rename_inputs
from imagewise.model.session import import_onnxruntime

BATCH = 100  # small pictures
LOWEST_OPSET = 13  # the first with a scale for each channel


def quantize(content: bytes, pictures: NDArray[np.uint8]) -> bytes:
    """The bytes of a model file with Conv and Gemm in 8 bits and scales fixed by `pictures`, without metadata.

    Args:
        content: the bytes of a model file; weights that are stored as float16 are float32 first.
        pictures: (N, H, W, C) uint8, to calibrate on.

    Measured on MNIST (test accuracy in %, perceptron and convnet): float32 97.45 and 98.93; this 97.45 and 98.94. With
    full-range weights 97.33 and 98.22: processors without VNNI add 16-bit sums that overflow, hence `reduce_range`.
    Clip is ReLU6, which becomes part of the convolution before it. As a step of its own it leaves the convolution a
    range far beyond 6, for which 8 bits are too few: docs/decisions.md has the accuracy on photographs.
    With new scales for each picture (dynamic) 97.45 and 98.94 too, but the convnet takes 8 times as long.
    """
    import_onnxruntime()  # before its parts, so that telemetry is off
    from onnxruntime.quantization import QuantType, quantize_static
    from onnxruntime.quantization.quant_utils import add_pre_process_metadata

    model = onnx.shape_inference.infer_shapes(_with_opset(as_single(onnx.load_from_string(content))))
    add_pre_process_metadata(model)  # or it logs advice to do what the line above has done
    with TemporaryDirectory() as folder:
        source, target = Path(folder) / "model.onnx", Path(folder) / "int8.onnx"
        onnx.save(model, source)
        quantize_static(
            source,
            target,
            _reader(pictures),
            # not Softmax: logits and probabilities have to agree
            op_types_to_quantize=["Conv", "Gemm", "MaxPool", "Relu", "Clip"],
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            per_channel=True,
            reduce_range=True,
        )
        return bytes(_without_copies(onnx.load(target)).SerializeToString())


def _without_copies(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph where equal constants are one: the quantiser writes zeros for each channel of each layer."""
    kept: dict[bytes, str] = {}
    names: dict[str, str] = {}
    tensors = []
    for tensor in model.graph.initializer:
        unnamed = onnx.TensorProto()
        unnamed.CopyFrom(tensor)
        unnamed.ClearField("name")
        names[tensor.name] = kept.setdefault(unnamed.SerializeToString(deterministic=True), tensor.name)
        if names[tensor.name] == tensor.name:
            tensors.append(tensor)
    rename_inputs(model.graph.node, names)
    del model.graph.initializer[:], model.graph.value_info[:]
    model.graph.initializer.extend(tensors)
    return model


def _reader(pictures: NDArray[np.uint8]) -> Any:
    """The quantiser's input: what it measures the range of each layer's values on."""
    from onnxruntime.quantization import CalibrationDataReader

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            batch = fewer_of_large(BATCH, pictures.shape[1:], least=1)
            self._batches = (pictures[start : start + batch] for start in range(0, len(pictures), batch))

        def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
            """The next input, None after the last."""
            batch = next(self._batches, None)
            return None if batch is None else {"pictures": np.ascontiguousarray(batch)}

    return Reader()


def _with_opset(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph with an opset of at least `LOWEST_OPSET`; a model file declares the lowest that it needs."""
    if model.opset_import[0].version >= LOWEST_OPSET:
        return model
    raised = onnx.version_converter.convert_version(model, LOWEST_OPSET)
    raised.ir_version = onnx.helper.find_min_ir_version_for(raised.opset_import)
    return raised
