"""What a stranger's graph does with pictures, found by running it: layout, features, whether pictures mix."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
from numpy.typing import NDArray

from imagewise.backbones.onnx_files.assembling import Parts, Pooling, bare
from imagewise.backbones.onnx_files.body import PREFIX, Body, any_batch, bound_values
from imagewise.backbones.onnx_files.picture_input import Layout, PictureInput
from imagewise.backbones.onnx_files.reading import first_line
from imagewise.errors import ModelError
from imagewise.model.session import import_onnxruntime, session_options

SIDES = (224, 256, 288, 384, 128, 96, 64, 32)  # pixels, to try where any side is declared
LARGEST_FEATURES = 2**16
TOLERANCE = 1e-3  # of the largest feature: float32 sums in another order differ by less
_FLOATS = {"tensor(float)": False, "tensor(float16)": True, "tensor(double)": True}  # whether to cast


@dataclass(frozen=True, eq=False)
class Probed:
    """What was found.

    Attributes:
        parts: for `assembling`.
        features: length of the feature vector.
        side: in pixels, that it was found at.
    """

    parts: Parts
    features: int
    side: int


def probe(body: Body, picture: PictureInput, label: str, path: Path) -> Probed:
    """Find out how to use a body.

    Args:
        label: name of its output in the file.

    Raises:
        ModelError: it runs at no side, its output are no features, or it answers differently for the same picture.
    """
    layout, side, found = _first_that_runs(body, picture, path)
    pooling, features = _pooling(found.shape, picture.batch or 1, layout, label, path)
    cast = _FLOATS[found.kind]
    parts = Parts(body, picture, layout, pooling, cast)
    return Probed(_batched(parts, side, path), features, side)


def check_side(probed: Probed, side: int, path: Path) -> None:
    """Refuse a side in pixels that the backbone does not take.

    Raises:
        ModelError: says which it takes; or that it has other features at this side, or mixes the pictures of a run.
    """
    parts = probed.parts
    if side == probed.side:
        return
    if parts.picture.side is not None:
        raise ModelError(
            f"{path}: takes pictures of {parts.picture.side} pixels, not of {side}. Leave the size out, or export it "
            "for another one."
        )
    dims = _dims(parts.layout, 1, side)
    bound_values(parts.body, parts.picture, dims, path)
    pictures = _pictures(_dims(parts.layout, 1 if parts.one_by_one else 2, side), parts.picture)
    try:
        found = _run(open_session(bare(parts, [len(pictures), *dims[1:]])), parts, pictures)
        alone = _run(open_session(bare(parts, list(dims))), parts, pictures[-1:])
    except Exception as error:  # as in `_first_that_runs`
        raise ModelError(
            f"{path}: does not take pictures of {side} pixels ({first_line(error)}). It takes {probed.side}."
        ) from error
    _, features = _pooling(found.shape, len(pictures), parts.layout, parts.body.output.removeprefix(PREFIX), path)
    if features != probed.features or not _agree(found[-1:], alone):
        raise ModelError(
            f"{path}: has {features:,} features for pictures of {side} pixels and {probed.features:,} for "
            f"{probed.side}. Take {probed.side}, or name a value before (--backbone-output)."
        )


class _Found(NamedTuple):
    kind: str
    shape: tuple[int, ...]


def _first_that_runs(body: Body, picture: PictureInput, path: Path) -> tuple[Layout, int, _Found]:
    errors = []
    for side in (picture.side,) if picture.side else SIDES:
        for layout in picture.layouts:
            dims = _dims(layout, picture.batch or 1, side)
            bound_values(body, picture, dims, path)
            try:
                session = open_session(bare(Parts(body, picture, layout), list(dims)))
                (made,) = session.run(None, {body.input: _pictures(dims, picture)})
            except Exception as error:  # onnxruntime's exceptions share no base class of their own
                errors.append(error)
                continue
            return layout, side, _found(session.get_outputs()[0].type, made, path)
    tried = f"pictures of {picture.side} pixels" if picture.side else f"pictures of {SIDES[-1]} to {max(SIDES)} pixels"
    raise ModelError(f"{path}: onnxruntime cannot run it on {tried} ({first_line(errors[0])}). Export it again.")


def _found(kind: str, made: Any, path: Path) -> _Found:
    if kind not in _FLOATS:
        raise ModelError(
            f"{path}: its features would be {kind}; they must be floating-point numbers. Name another value with "
            "--backbone-output."
        )
    return _Found(kind, made.shape)


def _pooling(shape: tuple[int, ...], batch: int, layout: Layout, label: str, path: Path) -> tuple[Pooling, int]:
    """How an output of this shape becomes (N, features), and their number."""
    ways: dict[int, tuple[Pooling, int]] = {}
    if len(shape) == 2:
        ways[2] = ("none", shape[1])
    elif len(shape) == 3:
        ways[3] = ("tokens", shape[2])
    elif len(shape) == 4:
        last = shape[1] == shape[2] and (shape[2] != shape[3] or layout == "NHWC")
        if last or shape[2] == shape[3]:
            ways[4] = ("planes last", shape[3]) if last else ("planes", shape[1])
    way = ways.get(len(shape))
    if way is None or shape[0] != batch or not 1 < way[1] <= LARGEST_FEATURES:
        raise ModelError(
            f"{path}: {label} has shape {shape} for {batch} picture{'s' if batch > 1 else ''}, which are no features. "
            "Name a value of (N, features), (N, features, H, W) or (N, tokens, features) with --backbone-output."
        )
    return way


def _batched(parts: Parts, side: int, path: Path) -> Parts:
    """Parts that take any number of pictures, each answered as if it were alone.

    Where the graph cannot be opened to any number, or mixes the pictures of a run, they are fed one by one.
    """
    fixed = parts.picture.batch or 1
    pictures = _pictures(_dims(parts.layout, fixed + 1, side), parts.picture)
    alone = open_session(bare(parts, list(_dims(parts.layout, fixed, side))))
    wanted = _run(alone, parts, pictures[:fixed])
    if not np.isfinite(wanted).all():
        raise ModelError(f"{path}: its features are not finite. Check its weights, or name another value.")
    if not _agree(_run(alone, parts, pictures[:fixed]), wanted):
        raise ModelError(f"{path}: gives different features for the same picture. Export it for inference.")
    opened = parts if parts.picture.batch is None else replace(parts, body=any_batch(parts.body, fixed))
    last = _run(alone, parts, pictures[1:])
    try:
        together = open_session(bare(opened, ["N", *_dims(parts.layout, 1, side)[1:]]))
        found = _run(together, opened, pictures)
        if _agree(found[:fixed], wanted) and _agree(found[1:], last):
            return opened
    except Exception:  # as in `_first_that_runs`: it takes no other number
        if fixed > 1:
            raise ModelError(
                f"{path}: takes {fixed} pictures a run, no other number. Export it for one, or for any number."
            ) from None
    if fixed > 1:
        raise ModelError(f"{path}: mixes the {fixed} pictures of a run. Export it for one picture.")
    return replace(parts, one_by_one=True)


def _agree(found: NDArray[Any], wanted: NDArray[Any]) -> bool:
    if found.shape != wanted.shape:
        return False
    allowed = TOLERANCE * max(1e-6, float(np.abs(wanted).max()))
    return bool(np.abs(found.astype(np.float64) - wanted).max() <= allowed)


def _run(session: Any, parts: Parts, pictures: NDArray[Any]) -> NDArray[Any]:
    (made,) = session.run(None, {parts.body.input: pictures})
    return np.asarray(made)


def _dims(layout: Layout, batch: int, side: int) -> tuple[int, int, int, int]:
    return (batch, 3, side, side) if layout == "NCHW" else (batch, side, side, 3)


def _pictures(dims: tuple[int, ...], picture: PictureInput) -> NDArray[Any]:
    """Noise, each picture in other colours: the features of mere noise are nearly the same."""
    rng = np.random.default_rng(0)
    colours = (dims[0], dims[1], 1, 1) if dims[1] == 3 else (dims[0], 1, 1, dims[3])
    levels = rng.random(dims, dtype=np.float32) * rng.random(colours, dtype=np.float32)
    return levels if picture.is_float else (levels * 255).astype(np.uint8)


def open_session(model: onnx.ModelProto) -> Any:
    """onnxruntime's session of a graph. Raises what onnxruntime raises."""
    ort = import_onnxruntime()
    options = session_options(ort)
    return ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
