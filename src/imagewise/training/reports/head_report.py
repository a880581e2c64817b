"""What the report of a run says of its head: how it was chosen, what to expect of it, what to try next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from imagewise.data.dataset import SplitName
from imagewise.display.formatting import percent
from imagewise.evaluation.advice import Advice
from imagewise.evaluation.report.report import Expectation
from imagewise.evaluation.report.strengths import Strengths, Trial
from imagewise.model.card import ModelCard
from imagewise.model.summary import NOT_IN_FILE, network_text
from imagewise.training.head.facts import head_text, views_text
from imagewise.training.head.record import HeadExpectation, HeadRecord, HeadTrial

FAR_FROM_ALL = 0.98  # accuracy: above it, fine-tuning has little left to gain


def strengths_of(head: HeadRecord, counts: Mapping[SplitName, int]) -> Strengths:
    """Everything that was tried, for the report. `counts` are the numbers of pictures by split."""
    chosen = next((trial for trial in head.tried if (trial.views, trial.strength) == (head.views, head.strength)), None)
    cross_validated = head.chosen_by == "cross-validation"
    splits: tuple[SplitName, ...] = ("train", "validation") if cross_validated else ("validation",)
    return Strengths(
        trials=[_trial(each) for each in head.tried],
        chosen=None if chosen is None else _trial(chosen),
        count=head.chosen_on or sum(counts.get(name, 0) for name in splits),
        cross_validated=cross_validated,
    )


def expectation_of(expected: HeadExpectation, counts: Mapping[SplitName, int]) -> Expectation:
    """The accuracy to expect, for the report."""
    count = expected.count or sum(counts.values())
    return Expectation(expected.accuracy, (expected.low, expected.high), count, expected.method)


def head_facts(head: HeadRecord, card: ModelCard) -> dict[str, str]:
    """Facts about the pretrained network and the head, in this order."""
    backbone = head.backbone
    source = f", {backbone.source}" if backbone.source else ""
    cited = {"Citation": backbone.citation} if backbone.citation else {}
    return {
        "Network": network_text(card),
        "Pretrained weights": f"{backbone.name}{source}",
        "Licence of the weights": backbone.licence or NOT_IN_FILE,
        **cited,
        "Head": head_text(head),
    }


def advise_on_head(head: HeadRecord, card: ModelCard, accuracy: float, count: int) -> list[Advice]:
    """Advice that the fit of the head supports; `accuracy` and `count` are those of the scored pictures.

    Fine-tuning needs the layers of the backbone, and more pictures than those for which an expectation is measured.
    """
    tunable = bool(card.network) and head.expectation is None
    return [*_edge(head), *(_fine_tune(accuracy, count) if tunable else [])]


def _edge(head: HeadRecord) -> Iterator[Advice]:
    tried = sorted({trial.strength for trial in head.tried if trial.views == head.views})
    if len(tried) < 3 or head.strength not in (tried[0], tried[-1]):
        return
    weakest = head.strength == tried[0]
    further = tried[0] * tried[0] / tried[1] if weakest else tried[-1] * tried[-1] / tried[-2]
    wider = [further, *tried] if weakest else [*tried, further]
    if further not in tried and further > 0:
        yield Advice(
            "edge-strength",
            f"The {'weakest' if weakest else 'strongest'} regularisation was the best",
            f"Of the strengths from {tried[0]:g} to {tried[-1]:g}, {head.strength:g} was chosen. "
            f"{'Weaker' if weakest else 'Stronger'} ones were not tried. Try one more:",
            f"--set strengths=[{', '.join(f'{strength:.3g}' for strength in wider)}]",
        )


def _fine_tune(accuracy: float, count: int) -> Iterator[Advice]:
    if accuracy < FAR_FROM_ALL:
        yield Advice(
            "fine-tune",
            "Training all of the network may do better",
            f"{percent(accuracy, count)} of these pictures are recognised with the features as they were published. "
            "The recipe finetune trains the whole network further, which takes minutes:",
            "--recipe finetune",
        )


def _trial(trial: HeadTrial) -> Trial:
    return Trial(views_text(trial.views), trial.strength, trial.accuracy, trial.loss)
