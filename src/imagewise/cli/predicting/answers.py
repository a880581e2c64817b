"""Predictions on stdout, as text, CSV or JSON; errors, doubts and the summary on stderr."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from imagewise.cli.console import counted, log, print_csv_row, print_error, print_json, print_line, shortened
from imagewise.display.verbosity import Verbosity, says
from imagewise.errors import PictureError

if TYPE_CHECKING:
    from imagewise.framing.digit_likeness import Doubt
    from imagewise.model.prediction import Prediction
    from imagewise.model.text_recognition import Reading

Style = Literal["text", "csv", "json"]
COLUMNS = ("picture", "label", "probability", "error")
DOUBTS_SHOWN = 10
_SEEN: Mapping[Doubt, str] = {
    "no ink": "there is no ink on it. Name a model with --model.",
    "photograph": "it is a photograph. Name a model with --model.",
    "several characters": "there are several characters on it. Add --segment to read them.",
}


class PredictionPrinter:
    """Prints predictions as they come (text, CSV), or as one JSON list at the end. Errors go to stderr as well.

    Args:
        style: of what is printed on stdout.
        model: the name of the model, for JSON.
        class_names: classes that get a column each in CSV; their probabilities are taken from `Prediction.top`.

    Attributes:
        read: number of pictures that were recognised.
        unreadable: number of pictures that could not be read.
    """

    def __init__(self, style: Style, model: str, class_names: Sequence[str] = ()) -> None:
        self.read = 0
        self.unreadable = 0
        self._style = style
        self._model = model
        self._class_names = class_names
        self._labels: Counter[str] = Counter()
        self._doubts: dict[str, Doubt] = {}
        self._doubted = 0
        self._json: list[dict[str, Any]] = []
        if style == "csv":
            columns = [f"class {name}" if name in COLUMNS else name for name in class_names]
            print_csv_row([*COLUMNS, *columns])

    def doubt(self, name: str, doubt: Doubt) -> None:
        """Remember why the picture `name` can be of none of the model's classes, until its prediction is printed."""
        self._doubts[name] = doubt

    def add(self, name: str, result: Prediction | Reading | PictureError) -> None:
        """Print the prediction of the picture `name`, or the reason that it could not be read."""
        if isinstance(result, PictureError):
            self.unreadable += 1
            print_error(str(result))
            self._json.append({"picture": name, "error": str(result)})
            if self._style == "csv":
                print_csv_row([name, "", "", str(result), *("" for _ in self._class_names)])
            return
        self.read += 1
        self._labels[result.label] += 1
        doubt = self._doubts.pop(name, None)
        if self._style == "json":
            self._json.append({"picture": name} | result.as_dict() | {"model": self._model, "doubt": doubt})
        elif self._style == "csv":
            probabilities = dict(result.top)
            shares = (f"{probabilities[name]:.6f}" for name in self._class_names)
            print_csv_row([name, result.label, f"{result.probability:.6f}", "", *shares])
        else:
            others = ", ".join(f"{label} {probability:.1%}" for label, probability in result.top[1:])
            label = result.label.replace("\n", " / ") or "(no characters found)"
            print_line(f"{name}  {label}  {result.probability:.1%}" + (f"  ({others})" if others else ""))
        if doubt is not None:
            self._print_doubt(name, doubt)

    def end(self, summary: bool) -> None:
        """Print the JSON list; then on stderr, if wanted, how many pictures are of each class."""
        if self._style == "json":
            print_json(self._json)
        hidden = self._doubted - DOUBTS_SHOWN
        if hidden > 0 and not says(Verbosity.DETAILS):
            log(f"note: {counted(hidden, 'more picture')} of this kind; --verbose names all.")
        if summary:
            each = shortened([f"{label or '(nothing)'}: {count:,}" for label, count in self._labels.most_common()])
            unreadable = f"{'; ' if each else ''}{self.unreadable:,} unreadable" if self.unreadable else ""
            log(f"summary  {counted(self.read + self.unreadable, 'picture')}: {each}{unreadable}")

    def _print_doubt(self, name: str, doubt: Doubt) -> None:
        self._doubted += 1
        if self._doubted <= DOUBTS_SHOWN or says(Verbosity.DETAILS):
            log(f"note: {name}: this does not look like a handwritten digit, {_SEEN[doubt]}")
