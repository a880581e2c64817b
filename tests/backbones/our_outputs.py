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
    graph = Pretrained.of_tensors(entry(name), tensors, "a file").graph(pictures.shape[1])
    return _run(graph.SerializeToString(), "features", pictures)


def logits(name: str, tensors: Tensors, pictures: Pictures) -> NDArray[np.float32]:
    """Of ImageNet's classes, with the classifier of the file."""
    head = classifier(entry(name), tensors, "a file")
    graph = Pretrained.of_tensors(entry(name), tensors, "a file").with_head(pictures.shape[1], *head)
    return _run(graph.SerializeToString(), "logits", pictures)


def _run(graph: bytes, output: str, pictures: Pictures) -> NDArray[np.float32]:
    session = import_onnxruntime().InferenceSession(graph)
    parts = [session.run([output], {"pictures": pictures[i : i + 20]})[0] for i in range(0, len(pictures), 20)]
    return np.concatenate(parts)
