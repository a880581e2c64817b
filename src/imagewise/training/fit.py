"""Fitting of any job: a network step by step, a head on the features of a backbone, or one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, assert_never

import numpy as np
from numpy.typing import NDArray

from imagewise.data.dataset import Dataset, SplitName
from imagewise.model.card import CardBackbone
from imagewise.model.session import Session
from imagewise.networks.network import Network
from imagewise.training.checkpoint import Checkpoint
from imagewise.training.engines import loop
from imagewise.training.engines.base import Engine, FitResult
from imagewise.training.head.choice.calibration import fit_temperature
from imagewise.training.head.comparison import beats
from imagewise.training.head.fine_tuning import training_job, with_temperature
from imagewise.training.head.fit import fit_head
from imagewise.training.head.job import FineTuneJob, HeadJob
from imagewise.training.head.record import HeadRecord
from imagewise.training.head.result import HeadResult
from imagewise.training.history import EpochRecord
from imagewise.training.job import TrainingJob
from imagewise.training.planning.plan import Job
from imagewise.training.reports.callbacks import TrainingCallbacks

if TYPE_CHECKING:
    import onnx


@dataclass(frozen=True, eq=False)
class Fitted:
    """What fitting a job made.

    Attributes:
        graph: of the model file, without metadata.
        reference: pictures (n, H, W, C) uint8 and their logits (n, classes) float32, not computed by `graph`.
        network: the layers; None where the backbone is a graph of its own.
        backbone: the pretrained network in it, if any.
        history: one record an epoch; empty where only a head was fitted.
        best_epoch: the epoch of the weights; 0 if Ctrl-C came before the first one ended, or there are no epochs.
        interrupted: Ctrl-C ended the training.
        head: how the head was fitted, where there is one.
        logits: (N, classes) float32 of splits that are known already.
    """

    graph: onnx.ModelProto
    reference: tuple[NDArray[np.uint8], NDArray[np.float32]]
    network: Network | None = None
    backbone: CardBackbone | None = None
    history: tuple[EpochRecord, ...] = ()
    best_epoch: int = 0
    interrupted: bool = False
    head: HeadRecord | None = None
    logits: Mapping[SplitName, NDArray[np.float32]] = field(default_factory=dict)


def fit(
    job: Job,
    dataset: Dataset,
    callbacks: TrainingCallbacks,
    resume: Checkpoint | None = None,
    engine: Engine | None = None,
) -> Fitted:
    """Fit a job on its data. Raises ImagewiseError.

    Args:
        callbacks: what to report to.
        resume: a checkpoint of the same job to go on from.
        engine: one that is open already; None opens the job's.
    """
    match job:
        case TrainingJob():
            return _trained(job, loop.fit(job, dataset, callbacks=callbacks, resume=resume, engine=engine))
        case HeadJob():
            return _headed(job, fit_head(job, dataset, callbacks))
        case FineTuneJob():
            return _fine_tuned(job, dataset, callbacks, resume, engine)
        case _:
            assert_never(job)


def _trained(job: TrainingJob, result: FitResult) -> Fitted:
    from imagewise.model.onnx_writer import build_graph

    return Fitted(
        graph=build_graph(job.network, result.weights),
        reference=result.reference,
        network=job.network,
        history=result.history,
        best_epoch=result.best_epoch,
        interrupted=result.interrupted,
    )


def _headed(job: HeadJob, result: HeadResult) -> Fitted:
    return Fitted(
        graph=job.backbone.with_head(job.side, *result.head),
        reference=result.reference,
        network=job.network,
        backbone=job.backbone.card(),
        head=result.record,
        logits=result.logits,
    )


def _fine_tuned(
    job: FineTuneJob,
    dataset: Dataset,
    callbacks: TrainingCallbacks,
    resume: Checkpoint | None,
    engine: Engine | None,
) -> Fitted:
    """The fine-tuned network, or the head alone where the former is no better on validation."""
    headed = fit_head(job.head, dataset, callbacks)
    trained = training_job(job, headed.head, dataset.framing.kind)
    result = loop.fit(trained, dataset, callbacks=callbacks, resume=resume, engine=engine)
    fitted, record = _trained(trained, result), headed.record
    if "validation" in dataset and job.recipe.fit_on == "train":
        labels = dataset["validation"].labels
        logits = _logits(fitted, dataset["validation"].images)
        if result.best_epoch and beats(logits, headed.logits["validation"], labels):
            temperature = fit_temperature(logits, labels)
            calibrated = _trained(trained, with_temperature(result, trained.network, temperature))
            fitted = replace(calibrated, logits={"validation": logits / np.float32(temperature)})
        else:
            record = HeadRecord.of(record.as_dict() | {"kept": True})
            fitted = replace(_headed(job.head, headed), history=result.history, interrupted=result.interrupted)
    return replace(fitted, head=record, backbone=job.backbone.card())


def _logits(fitted: Fitted, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Of pictures (N, H, W, C), as the model file will give them: float32 (N, classes)."""
    return Session(fitted.graph.SerializeToString(), "the fine-tuned network").run_all(images)[1]
