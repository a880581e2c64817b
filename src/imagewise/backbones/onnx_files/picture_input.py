"""The one input of a graph that takes pictures, and how it wants them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import onnx
from onnx import TensorProto

from imagewise.errors import ModelError

Layout = Literal["NCHW", "NHWC"]
SMALLEST_SIDE, LARGEST_SIDE = 8, 1_024  # pixels


@dataclass(frozen=True)
class PictureInput:
    """An input for pictures.

    Attributes:
        name: of the input.
        is_float: float32, which wants normalised pictures; else uint8, which takes pixels as they are.
        layouts: that its declared shape allows, the likelier first.
        batch: pictures a run; None if any number.
        side: height and width in pixels; None if any.
    """

    name: str
    is_float: bool
    layouts: tuple[Layout, ...]
    batch: int | None
    side: int | None

    @property
    def elem_type(self) -> int:
        """ONNX's number for its type."""
        return TensorProto.FLOAT if self.is_float else TensorProto.UINT8


def picture_input(inputs: list[onnx.ValueInfoProto], path: Path) -> PictureInput:
    """The input for pictures.

    Args:
        inputs: those that the features need.

    Raises:
        ModelError: there is not one, or it takes no pictures of three channels.
    """
    if len(inputs) != 1:
        listed = ", ".join(describe(value) for value in inputs)
        raise ModelError(
            f"{path}: has {len(inputs)} inputs ({listed}); a backbone has one, for pictures. Export the part that sees "
            "the picture, or name a value that needs the picture only (--backbone-output)."
        )
    (value,) = inputs
    kind = value.type.tensor_type
    wanted = "A backbone takes float32 or uint8 of (N, 3, H, W) or (N, H, W, 3)"
    if kind.elem_type not in (TensorProto.FLOAT, TensorProto.UINT8):
        raise ModelError(f"{path}: its input is {describe(value)}. {wanted}; export it so.")
    if not kind.HasField("shape"):
        raise ModelError(f"{path}: its input {value.name} may have any number of axes. {wanted}; export it so.")
    dims = [dim.dim_value if dim.HasField("dim_value") and dim.dim_value > 0 else None for dim in kind.shape.dim]
    layouts = _layouts(dims)
    if not layouts:
        raise ModelError(f"{path}: its input is {describe(value)}, not pictures in colour. {wanted}; export it so.")
    sides = set(dims[2:4] if layouts[0] == "NCHW" else dims[1:3])
    if len(sides - {None}) > 1:
        raise ModelError(f"{path}: its input is {describe(value)}; imagewise takes square ones only. Export it so.")
    side = next(iter(sides - {None}), None)
    if side is not None and side > LARGEST_SIDE:
        raise ModelError(f"{path}: takes pictures of {side:,} pixels; a backbone may take up to {LARGEST_SIDE:,}.")
    return PictureInput(value.name, kind.elem_type == TensorProto.FLOAT, layouts, dims[0], side)


def _layouts(dims: list[int | None]) -> tuple[Layout, ...]:
    """Which axis may be the colours: the one of 3, or a flexible one; the other two are sides."""
    if len(dims) != 4:
        return ()
    colours: dict[Layout, int | None] = {"NCHW": dims[1], "NHWC": dims[3]}
    sides: dict[Layout, list[int | None]] = {"NCHW": dims[2:], "NHWC": dims[1:3]}
    fitting = [layout for layout, of in sides.items() if all(size is None or size >= SMALLEST_SIDE for size in of)]
    certain = tuple(layout for layout in fitting if colours[layout] == 3)
    return certain or tuple(layout for layout in fitting if colours[layout] is None)


def describe(value: onnx.ValueInfoProto) -> str:
    """Name, type and shape of a value for people: "image float16 (1, 3, H, W)"."""
    kind = value.type.tensor_type
    if not kind.elem_type:
        return f"{value.name} (no tensor)"
    names = {number: name.lower() for name, number in TensorProto.DataType.items()}
    names |= {TensorProto.FLOAT: "float32", TensorProto.DOUBLE: "float64"}
    type_name = names.get(kind.elem_type, f"of the unknown type {kind.elem_type}")
    if not kind.HasField("shape"):
        return f"{value.name} {type_name} (any shape)"
    dims = [str(dim.dim_value) if dim.HasField("dim_value") else dim.dim_param or "?" for dim in kind.shape.dim]
    return f"{value.name} {type_name} ({', '.join(dims)})"
