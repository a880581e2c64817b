"""Model files and exports on stdout. What a card lacks is printed as "not in the file"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagewise.cli.console import counted, print_fact
from imagewise.display.formatting import percent
from imagewise.model.summary import facts_of

if TYPE_CHECKING:
    from imagewise.export.export import Export
    from imagewise.model.model import Model


def print_model(model: Model) -> None:
    """Print classes, framing, network, recipe, data, scores and versions of a model file."""
    for name, value in facts_of(model.name, model.card):
        print_fact(name, value)


def print_export(made: Export) -> None:
    """Print the path of an export, and how it compares with the original."""
    print_fact("exported", made.path)
    if made.accuracy is None or made.original_accuracy is None:
        pictures = f"{counted(made.count, 'picture')} ({made.checked_on})"
        print_fact("checked", f"the same class for {pictures}, probabilities within {made.largest_difference:.1g}")
    else:
        new, original = (percent(share, made.count) for share in (made.accuracy, made.original_accuracy))
        print_fact("accuracy", f"{new}, original {original} ({made.checked_on})")
