"""A backbone whose features are known: the mean of each channel, and then its largest value."""

from __future__ import annotations

from typing import Any

import numpy as np

from imagewise.model.card import CardBackbone


class MeanAndMax:
    """Six features of a picture: means of the channels and maxima, in levels of 0 to 255; a `Backbone`.

    Attributes:
        graphs: sides of the graphs that were asked for.
    """

    name, features, depths = "mean and maximum", 6, (6,)

    def __init__(self, digest: str = "0" * 64, factor: float = 1.0) -> None:
        self.digest = digest
        self.graphs: list[int] = []
        self._factor = factor

    def graph(self, side: int) -> Any:
        from onnx import TensorProto, helper, numpy_helper

        self.graphs.append(side)
        nodes = [
            helper.make_node("Cast", ["pictures"], ["levels"], to=TensorProto.FLOAT),
            helper.make_node("Mul", ["levels", "factor"], ["scaled"]),
            helper.make_node("ReduceMean", ["scaled"], ["mean"], axes=[1, 2], keepdims=0),
            helper.make_node("ReduceMax", ["scaled"], ["max"], axes=[1, 2], keepdims=0),
            helper.make_node("Concat", ["mean", "max"], ["features"], axis=1),
        ]
        pictures = helper.make_tensor_value_info("pictures", TensorProto.UINT8, ["N", side, side, 3])
        features = helper.make_tensor_value_info("features", TensorProto.FLOAT, ["N", 6])
        factor = numpy_helper.from_array(np.float32(self._factor).reshape(1), "factor")
        graph = helper.make_graph(nodes, "fake", [pictures], [features], [factor])
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=6)

    def with_head(self, side: int, weight: Any, bias: Any) -> Any:
        raise NotImplementedError

    def card(self) -> CardBackbone:
        return CardBackbone(name=self.name)


def expected_features(pictures: np.ndarray) -> np.ndarray:
    """Those of (n, H, W, 3) pictures, by NumPy."""
    return np.concatenate([pictures.mean(axis=(1, 2)), pictures.max(axis=(1, 2))], axis=1)
