"""docs/benchmarks.md: its tables between their markers, and the plot, out of results.csv."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from benchmarks.measuring import ROOT
from benchmarks.results import Figure, Results, Row
from benchmarks.subjects import PART as TRAINING
from benchmarks.subjects import Subject, peer_subjects, recipe_subjects, subjects
from benchmarks.transfer import PART as TRANSFER
from benchmarks.transfer import transfer_table
from numpy.typing import NDArray

from benchmarks import features, inference, rates, scaling

PAGE, PLOT = ROOT / "docs" / "benchmarks.md", ROOT / "docs" / "benchmarks.png"
REFERENCE = "pytorch-example"
TOP = 100.05


def training_table(rows: dict[str, list[Row]]) -> list[str]:
    """Every subject; how its time to 99.0% compares with the PyTorch example's."""
    lines = [
        "| | test accuracy, % | to 99.0% on test, s | PyTorch example's time ÷ this | whole run to its result, s "
        "| training, s | peak memory, MB | CPU time, s | n |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    reference = Figure.of(rows.get(REFERENCE, []), "to 99.0%")
    for subject in subjects():
        if subject.name not in rows:
            continue
        found = rows[subject.name]
        accuracy, reached = Figure.of(found, "test accuracy"), Figure.of(found, "to 99.0%")
        # of ours the accuracy counts that the seeds have on average, not the luckier half of them
        ours = subject.peer is None and accuracy.n > 0 and sum(accuracy.values) / accuracy.n >= 99
        time = Figure.of(found, "to the result") if ours else reached
        times = (
            f"{reference.median / time.median:.1f}" if reference.n and time.n and (ours or not reached.missing) else ""
        )
        cells = [
            subject.title,
            accuracy.text(4),
            time.text() if subject.data == "mnist" else "",
            times if subject.data == "mnist" else "",
            *(Figure.of(found, name).text() for name in ("to the result", "training", "peak memory", "CPU time")),
            str(accuracy.n),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def floor_table(rows: dict[str, list[Row]]) -> list[str]:
    """A row a recipe, then this machine's rates."""
    lines = [
        "| recipe | forward and backward, MMAC a picture | batch | at the rate of a large product, s an epoch | floor, "
        "s an epoch | training loop, s an epoch | times the floor | eager PyTorch, s an epoch | our rate ÷ eager | n |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    names = ("at the machine's rate of products", "floor", "an epoch", "over the floor", "eager PyTorch, an epoch")
    for subject in recipe_subjects():
        if subject.name in rows:
            found = rows[subject.name]
            work = Figure.of(found, "arithmetic a picture").median
            cells = [subject.title, f"{work:,.2f}", f"{Figure.of(found, 'batch').median:.0f}"]
            cells += [Figure.of(found, name).text() for name in (*names, "rate beside eager PyTorch")]
            lines.append(f"| {' | '.join(cells)} | {Figure.of(found, 'floor').n} |")
    every = [row for found in rows.values() for row in found]
    products, convolutions = Figure.of(every, "matrix product"), Figure.of(every, "convolution")
    lines += ["", f"This machine, in the same runs: {products.text()} GMAC/s in a 1024³ matrix product, "
              f"{convolutions.text()} GMAC/s in a 3x3 convolution (64 to 64 channels, 28x28, 32 pictures), n = "
              f"{products.n}."]  # fmt: skip
    return lines


def profile_table(rows: dict[str, list[Row]]) -> list[str]:
    """A column a recipe: phases of one process, then shares of the training loop."""
    names = [subject.name for subject in recipe_subjects() if subject.name in rows]
    figures: dict[str, None] = {}
    for name in names:
        figures |= {row.figure: None for row in rows[name]}
    phases = [figure for figure in figures if figure.startswith("phase: ")]
    kinds = [figure for figure in figures if figure not in phases]
    lines = [f"| | {' | '.join(names)} |", "|---|" + "---|" * len(names)]
    for figure in phases + kinds:
        title = f"{figure.removeprefix('phase: ')}, s" if figure in phases else f"{figure}, % of the loop"
        cells = [Figure.of(rows[name], figure).text(2) for name in names]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return lines


def inference_table(rows: dict[str, list[Row]]) -> list[str]:
    """Networks, and the runtimes of each."""
    lines = [
        "| network | runtime | one picture cold, s | its peak memory, MB | warm p50, ms | p99, ms | 10,000 in bulk, "
        "pictures/s | cold starts |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for subject, found in rows.items():
        recipe, _, runtime = subject.partition("/")
        names = ("one picture, cold", "peak memory", "one picture, warm, p50", "one picture, warm, p99", "in bulk")
        cells = [Figure.of(found, name).text() for name in names]
        starts = Figure.of(found, "one picture, cold").n
        lines.append(f"| `{recipe}` | {inference.RUNTIMES[runtime]} | {' | '.join(cells)} | {starts} |")
    return lines


def scaling_table(rows: dict[str, list[Row]]) -> list[str]:
    """Axis by axis; what costs over a quarter more for a unit of work than the cheapest before it stands out."""
    lines = [
        "| what grows | recipe | to | pictures | work, GMAC | training, s | ns a MAC | whole process, s | peak, MB |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    groups: dict[tuple[str, str], list[str]] = {}
    for subject in rows:
        axis, recipe, _ = subject.split("/")
        groups.setdefault((axis, recipe), []).append(subject)
    for (axis, recipe), members in groups.items():
        members.sort(key=lambda subject: int(subject.rpartition("/")[2]))
        costs = [Figure.of(rows[m], "training").median / Figure.of(rows[m], "work").median for m in members]
        for member, cost, grows in zip(members, costs, scaling.defects(costs), strict=True):
            found = rows[member]
            unit = f"**{cost:.4f}**, grows faster than its work" if grows else f"{cost:.4f}"
            work, pictures = Figure.of(found, "work").median, Figure.of(found, "pictures").median
            cells = [axis, f"`{recipe}`", f"{int(member.rpartition('/')[2]):,}", f"{pictures:,.0f}", f"{work:,.1f}"]
            cells += [Figure.of(found, "training").text(), unit]
            cells += [Figure.of(found, name).text() for name in ("whole process", "peak memory")]
            lines.append(f"| {' | '.join(cells)} |")
    return lines


def import_table(rows: dict[str, list[Row]]) -> list[str]:
    """One sentence."""
    found = Figure.of(rows["imagewise"], "import")
    return [f"`import imagewise`, less the interpreter's own start: {found.text(2)} s, n = {found.n}."]


def features_table(rows: dict[str, list[Row]]) -> list[str]:
    """A row a backbone and side."""
    lines = [
        "| backbone | side, pixels | imagewise, ms a picture | its processor time, ms | bare onnxruntime, ms "
        "| our rate ÷ bare | pairs |",
        "|---|---|---|---|---|---|---|",
    ]
    for subject, found in rows.items():
        backbone, _, side = subject.partition("/")
        names = ("imagewise", "processor time", "bare onnxruntime", "share of the bare rate")
        cells = [Figure.of(found, name).text() for name in names]
        lines.append(f"| `{backbone}` | {side} | {' | '.join(cells)} | {Figure.of(found, names[0]).n} |")
    return lines


TABLES: dict[str, tuple[str, Callable[[dict[str, list[Row]]], list[str]]]] = {
    "training": (TRAINING, training_table),
    "floor": (rates.PART, floor_table),
    "profile": (rates.PROFILE, profile_table),
    "inference": (inference.PART, inference_table),
    "import": (inference.IMPORT, import_table),
    "features": (features.PART, features_table),
    "scaling": (scaling.PART, scaling_table),
    "transfer": (TRANSFER, transfer_table),
}


def write_page(results: Results, page: Path = PAGE, plot: Path = PLOT) -> None:
    """Rewrite what lies between the markers of each table that has been measured, and draw the plot."""
    text = page.read_text()
    for name, (part, table) in TABLES.items():
        rows = results.newest(part)
        begin, end = f"<!-- begin: {name} -->", f"<!-- end: {name} -->"
        if not rows or begin not in text:
            continue
        before, _, rest = text.partition(begin)
        picture = [f"![Test accuracy against seconds from the start of the process]({plot.name})", ""]
        lines = [*(picture if part == TRAINING else []), *table(rows), "", *_measured(rows)]
        text = f"{before}{begin}\n" + "\n".join(lines) + f"\n{end}{rest.partition(end)[2]}"
    page.write_text(text)
    trained = results.newest(TRAINING)
    if trained:
        draw(trained, plot)


def _measured(rows: dict[str, list[Row]]) -> list[str]:
    """When, on what and with which versions; all of them where they differ."""
    every = [row for found in rows.values() for row in found]
    days = sorted({row.made[:10] for row in every})
    about = sorted({(row.machine, row.versions) for row in every})
    when = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    return [f"Measured {when}, " + "; also ".join(f"{machine}; {versions}" for machine, versions in about) + "."]


def course_of(rows: list[Row]) -> list[list[tuple[float, float]]]:
    """Of every run, (seconds from the process's start, test accuracy in percent)."""
    courses = [row.value for row in rows if row.figure == "course"]
    return [[(float(a), float(b)) for a, _, b in (p.partition(":") for p in course.split())] for course in courses]


def draw(rows: dict[str, list[Row]], path: Path) -> None:
    """Test error, downwards, against time; peers as lines, ours as the points at which they end."""
    from matplotlib.figure import Figure as Canvas

    figure = Canvas(figsize=(9, 6.2), dpi=120, layout="constrained")
    axes = figure.subplots()
    for number, subject in enumerate(s for s in peer_subjects() if s.name in rows):
        courses = course_of(rows[subject.name])
        longest = max(courses, key=len)
        colour = f"C{number}"
        axes.plot(*zip(*longest, strict=True), color=colour, linewidth=1.1, marker=".", markersize=4, alpha=0.85)
        axes.plot([], [], color=colour, marker=".", label=_plain(subject))
    ours = [s for s in recipe_subjects() if s.name in rows and s.data == "mnist"]
    for number, subject in enumerate(ours):
        ends = [course[-1] for course in course_of(rows[subject.name])]
        axes.scatter(
            [x for x, _ in ends], [y for _, y in ends], s=22, color="#111827", alpha=0.5, linewidths=0, zorder=3
        )
        x, y = (sum(values) / len(values) for values in zip(*ends, strict=True))
        beside = (0, -18 if number % 2 else 8)  # below and above in turn: two of ours may end at one place
        axes.annotate(
            subject.name, (x, y), beside, textcoords="offset points", ha="center", fontsize=9, fontweight="bold"
        )
    axes.scatter([], [], s=22, color="#111827", label="imagewise, each seed at its result")
    axes.axhline(99, color="#6b7280", linewidth=0.8, linestyle=":")
    axes.set_xscale("log")
    axes.set_yscale("function", functions=(_stretch, _shrink))
    ticks = [90, 95, 97, 98, 98.5, 99, 99.25, 99.5, 99.7]
    axes.set(ylim=(88, 99.75), xlabel="seconds from the start of the process (logarithmic)", ylabel="test accuracy, %")
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    times = [a * b for b in (1, 10, 100, 1000) for a in (1, 2, 5)]
    axes.set_xticks(times, [f"{time:g}" for time in times])
    axes.set_xticks([], minor=True)
    latest = max(at for found in rows.values() for course in course_of(found) for at, _ in course)
    axes.set_xlim(1, 1.3 * latest)
    axes.grid(alpha=0.2)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(frameon=False, loc="outside lower center", ncols=3, fontsize=8)
    figure.savefig(path)


def _stretch(accuracy: NDArray[np.float64]) -> NDArray[np.float64]:
    """The last points stand as far apart as the first; just above 100 would be infinity."""
    stretched: NDArray[np.float64] = -np.log10(np.clip(TOP - accuracy, 1e-3, None))
    return stretched


def _shrink(stretched: NDArray[np.float64]) -> NDArray[np.float64]:
    accuracy: NDArray[np.float64] = TOP - 10.0**-stretched
    return accuracy


def _plain(subject: Subject) -> str:
    return subject.title.replace("`", "")
