"""What imagewise does, in a few minutes and without a network: `make demo`.

Reads a sheet of digits, trains a model, and tests that model on the handwriting of other people.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import imagewise
from imagewise.atomic import atomic_writer
from imagewise.data.loading import open_data
from imagewise.display.formatting import percent
from imagewise.display.notices import print_notices
from imagewise.evaluation.evaluate import Evaluation
from imagewise.evaluation.significance import ERROR_RATE, fisher_p_value
from imagewise.framing.decoding import read_picture
from imagewise.model.text_recognition import read
from imagewise.model.visualize import draw_boxes
from imagewise.training.reports.live import TrainingDisplay

SHEET = Path(__file__).with_name("sheet.jpg")
ON_SHEET = "3141592\n65358979\n3238462"
OTHER_PENS = "digits"  # by 13 people, none of whom wrote for MNIST; comes with imagewise


@dataclass(frozen=True)
class Demo:
    """Where the demo writes, and how long it trains: None for as long as the recipe says."""

    folder: Path = Path("demo")
    epochs: int | None = None
    offline: bool = False

    def run(self) -> imagewise.Run:
        """All steps, printed as they are done."""
        self.read_sheet()
        trained = self.train()
        self.other_pens(trained)
        print(next_steps(trained))
        return trained

    def read_sheet(self) -> None:
        print("1. The built-in model reads a sheet of digits. It was not trained on any of them.")
        print("   (They are test pictures of MNIST, put on paper by a program.)\n", flush=True)
        reading = read(imagewise.load_model(), picture := read_picture(SHEET))
        boxes = self.folder / "sheet-with-boxes.png"
        with atomic_writer(boxes) as file:
            draw_boxes(picture, reading).save(file, format="PNG")
        for line in reading.label.split("\n"):
            print(f"       {' '.join(line.replace(' ', ''))}")
        right, count = matches(reading.label)
        print(f"\n   {right} of {count} are right. The sheet:  {from_here(SHEET)}\n   The same with boxes:  {boxes}\n")

    def train(self) -> imagewise.Run:
        print("2. A model is trained from nothing.\n", flush=True)
        with TrainingDisplay() as display:
            data = open_data(None, offline=self.offline, progress=display.on_download)
            display.on_download.close()
            print_notices(data.notices, data.skipped)
            run = imagewise.train(data.name, epochs=self.epochs, offline=self.offline, callbacks=display, verbose=False)
        assert run.test is not None
        metrics = run.test.metrics
        print(f"\n   {percent(metrics.accuracy, metrics.count)} of {metrics.count:,} test pictures are right.\n")
        return run

    def other_pens(self, run: imagewise.Run) -> None:
        print("3. The same model reads the handwriting of 13 other people, scanned at 8x8 pixels.\n", flush=True)
        own, builtin = (
            imagewise.evaluate(model, OTHER_PENS, verbose=False) for model in (run.model, imagewise.load_model())
        )
        assert run.test is not None
        print(f"   {verdict(run.test, own, builtin)}\n")


def matches(text: str) -> tuple[int, int]:
    """How many digits of the sheet a text has right, and how many there are. A line of another length counts as 0."""
    lines = zip(ON_SHEET.split("\n"), text.replace(" ", "").split("\n"), strict=False)
    right = sum(a == b for line, found in lines if len(line) == len(found) for a, b in zip(line, found, strict=True))
    return right, len(ON_SHEET.replace("\n", ""))


def verdict(test: Evaluation, others: Evaluation, builtin: Evaluation) -> str:
    """What the scores on its own test and on the other people's digits mean beside each other."""
    first, second, third = (percent(e.metrics.accuracy, e.metrics.count) for e in (test, others, builtin))
    scores = f"{first} on its own test, {second} on other people's pens."
    lesson = "test a model on pictures like those it will meet"
    if worse(others, test):
        text = f"{scores} That is why you\n   {lesson}: its own test does not show this."
    else:
        text = f"{scores} No loss this time.\n   Still, {lesson}: its own test does not show a loss."
    if worse(others, builtin):
        text += f"\n   The built-in model reads {third} of them. It was trained for any hand and pen."
    return text


def worse(one: Evaluation, other: Evaluation) -> bool:
    """Whether chance hardly explains by how much one accuracy is below the other."""
    first, second = one.metrics, other.metrics
    right, other_right = (round(m.accuracy * m.count) for m in (first, second))
    return fisher_p_value(right, first.count, other_right, second.count) < ERROR_RATE


def from_here(path: Path) -> Path:
    """The path as one types it here."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def next_steps(run: imagewise.Run) -> str:
    """The commands to type next."""
    program = from_here(Path(sys.executable).with_name("imagewise"))
    model = run.folder / "model.onnx"
    return (
        f"The report of this training:  {(run.folder / 'report.html').resolve().as_uri()}\n"
        f"Draw digits in a browser:     {program} serve --model {model}\n"
        f"                              then open http://127.0.0.1:8000\n"
        f"Your turn:                    {program} train FOLDER\n"
        "                              FOLDER holds one folder of pictures for each class, e.g. cat/ and dog/"
    )


if __name__ == "__main__":
    Demo().run()
