"""Any ONNX file as a frozen backbone: checked, cut to its features, and put into graphs of imagewise's form."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from imagewise.backbones.onnx_files.normalization import (
    NORMALIZATIONS,
    Normalization,
    normalization,
    try_normalizations,
)
from imagewise.errors import ModelError
from imagewise.model.card import CardBackbone

if TYPE_CHECKING:
    from collections.abc import Callable

    import onnx

    from imagewise.backbones.onnx_files.probing import Probed

BATCH = 16  # pictures a run of the trial


@dataclass(frozen=True, eq=False)
class OnnxFile:
    """A backbone out of an ONNX file; a `Backbone`.

    Attributes:
        path: of the file.
        content_digest: SHA-256 (hex) of its bytes.
        output: name of the value that is the features.
        why: why that one: "as named", "its output", "the input of its classifier".
        normalized: how pictures are normalised; None where the network takes uint8 and does that by itself.
        tried: scores of the normalisations by name, where a trial chose.
        licence: as the file's metadata say; None where they do not.
        probed: how it is used, as its runs have shown.
    """

    path: Path
    content_digest: str
    output: str
    why: str
    normalized: Normalization | None
    licence: str | None
    probed: Probed
    tried: dict[str, float] | None = None

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name

    @property
    def features(self) -> int:
        """Length of a picture's feature vector."""
        return self.probed.features

    @property
    def depths(self) -> tuple[int, ...]:
        """One: the file's own features."""
        return (self.features,)

    @property
    def side(self) -> int | None:
        """The only side in pixels that it takes; None if it takes several."""
        return self.probed.parts.picture.side

    @property
    def usual_side(self) -> int:
        """A side in pixels that it has run at."""
        return self.probed.side

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) over the file, the value that is the features, and the normalisation."""
        decisive = (self.content_digest, self.output, repr(self.normalized), repr(self.probed.parts.pooling))
        return hashlib.sha256("\n".join(decisive).encode()).hexdigest()

    def normalized_as(self, name: str) -> OnnxFile:
        """The same backbone with the normalisation of that name.

        Raises:
            ModelError: there is no such normalisation, or the network takes uint8.
        """
        if self.normalized is None:
            raise ModelError(f"{self.path}: takes pixels as they are (uint8). Leave the normalisation out.")
        return replace(self, normalized=normalization(name))

    def normalized_by_trial(
        self,
        images: NDArray[np.uint8],
        labels: NDArray[np.int64],
        score: Callable[[NDArray[np.float32], NDArray[np.int64]], float],
    ) -> OnnxFile:
        """The same backbone with the normalisation that scores best; see `try_normalizations`.

        Args:
            images: training pictures (N, side, side, 3) uint8.

        Raises:
            ModelError: it does not take pictures of that side, or its features are never finite.
        """
        if self.normalized is None:
            return self
        trial = try_normalizations(self._features, images, labels, score)
        return replace(self, normalized=normalization(trial.chosen), tried=trial.scores)

    def describe(self) -> str:
        """What was chosen, in one line."""
        how = "it takes pixels as they are" if self.normalized is None else f"normalisation {self.normalized.name}"
        if self.tried:
            others = ", ".join(f"{name} {value:.1%}" for name, value in self.tried.items())
            how += f" (tried: {others})"
        return f"{self.name}: {self.features:,} features from {self.output!r}, {self.why}; {how}"

    def graph(self, side: int) -> onnx.ModelProto:
        """See `Backbone`. Raises ModelError where it does not take that side."""
        return self._assembled(side, None)

    def with_head(self, side: int, weight: NDArray[np.float32], bias: NDArray[np.float32]) -> onnx.ModelProto:
        """See `Backbone`. Raises ModelError where it does not take that side."""
        return self._assembled(side, (weight, bias))

    def card(self) -> CardBackbone:
        """Name, digest, licence, and what was chosen."""
        return CardBackbone(
            name=self.name,
            digest=self.digest,
            licence=self.licence,
            output=self.output,
            normalization=None if self.normalized is None else self.normalized.name,
        )

    def _assembled(self, side: int, head: tuple[NDArray[np.float32], NDArray[np.float32]] | None) -> onnx.ModelProto:
        from imagewise.backbones.onnx_files.assembling import assemble
        from imagewise.backbones.onnx_files.probing import check_side

        check_side(self.probed, side, self.path)
        return assemble(self.probed.parts, side, self.normalized, self.features, head)

    def _features(self, way: Normalization, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        from imagewise.backbones.onnx_files.probing import open_session

        session = open_session(replace(self, normalized=way).graph(pictures.shape[1]))
        starts = range(0, len(pictures), BATCH)
        parts = [session.run(["features"], {"pictures": pictures[start : start + BATCH]})[0] for start in starts]
        return np.concatenate(parts)


def open_onnx_file(path: str | Path, output: str | None = None, normalized_as: str | None = None) -> OnnxFile:
    """Open an ONNX file as a backbone.

    Args:
        path: of the file.
        output: name of any value that it computes, to be the features; None chooses its output, or the input of its
            classifier.
        normalized_as: a name of `NORMALIZATIONS`; None takes the first until `normalized_by_trial` chooses.

    Raises:
        ModelError: it cannot be read, is no ONNX, has not one picture input, has control flow or external data, is too
            large, has no such output, or no features.
    """
    from imagewise.backbones.onnx_files.body import cut_body
    from imagewise.backbones.onnx_files.outputs import choose_output
    from imagewise.backbones.onnx_files.picture_input import picture_input
    from imagewise.backbones.onnx_files.probing import probe
    from imagewise.backbones.onnx_files.reading import read_file
    from imagewise.backbones.onnx_files.values import Values

    path = Path(path)
    read = read_file(path)
    values = Values(read.model.graph)
    if output is None:
        picture_input(list(values.graph.input), path)  # with two inputs, there is no default
    chosen = choose_output(values, output, path)
    _, needed = values.behind(chosen.name)
    picture = picture_input([value for value in values.graph.input if value.name in needed], path)
    probed = probe(cut_body(read.model, values, picture, chosen.name), picture, chosen.name, path)
    opened = OnnxFile(
        path=path,
        content_digest=hashlib.sha256(read.content).hexdigest(),
        output=chosen.name,
        why=chosen.why,
        normalized=NORMALIZATIONS[0] if picture.is_float else None,
        licence=read.licence,
        probed=probed,
    )
    return opened if normalized_as is None else opened.normalized_as(normalized_as)
