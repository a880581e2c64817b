"""What imagewise makes of the tensors of a published file, from the graphs that a user runs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imagewise.backbones.catalog import entry
from imagewise.backbones.families import Tensors
from imagewise.backbones.pretrained import Pretrained, classifier
from imagewise.model.session import import_onnxruntime

Pictures = NDArray[np.uint8]  # (N, side, side, 3)


def features(name: str, tensors: Tensors, pictures: Pictures) -> NDArray[np.float32]:
    """Of the last layer, (N, 1280): what the publishers call the features."""
    backbone = Pretrained.of_tensors(entry(name), tensors, "a file")
    found = _run(backbone.graph(pictures.shape[1]).SerializeToString(), "features", pictures)
    return found[:, : backbone.depths[0]]


def logits(name: str, tensors: Tensors, pictures: Pictures) -> NDArray[np.float32]:
    """Of ImageNet's classes, with the classifier of the file."""
    weight, bias = classifier(entry(name), tensors, "a file")
    backbone = Pretrained.of_tensors(entry(name), tensors, "a file")
    weight = np.pad(weight, ((0, 0), (0, backbone.features - weight.shape[1])))
    graph = backbone.with_head(pictures.shape[1], weight, bias)
    return _run(graph.SerializeToString(), "logits", pictures)


def _run(graph: bytes, output: str, pictures: Pictures) -> NDArray[np.float32]:
    session = import_onnxruntime().InferenceSession(graph)
    parts = [session.run([output], {"pictures": pictures[i : i + 20]})[0] for i in range(0, len(pictures), 20)]
    return np.concatenate(parts)
