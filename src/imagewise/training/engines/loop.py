"""The training loop: epochs, batches, schedule, validation, early stopping, checkpoints, Ctrl-C. Once for all engines.

It holds no number of a recipe. An engine does the arithmetic; see `base.py`.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from imagewise.data.dataset import Dataset, Split, concatenate
from imagewise.data.memmap import drop_pages
from imagewise.data.task import SingleLabel
from imagewise.errors import EngineError, ModelError, NetworkError
from imagewise.load import LoadReader, SystemLoad, threads_are_set
from imagewise.networks.layers import BatchNorm, weight_shapes
from imagewise.training.checkpoint import Checkpoint
from imagewise.training.engines.base import Callbacks, Engine, FitResult, Learner, Step, StopTraining
from imagewise.training.engines.registry import open_engine
from imagewise.training.engines.sampling import epoch_batches, infinite_batches, part_of_batch
from imagewise.training.engines.threads import ThreadGovernor
from imagewise.training.engines.tracker import TrainingTracker
from imagewise.training.history import EpochRecord
from imagewise.training.job import TrainingJob
from imagewise.training.schedule import learning_rate

REFERENCE_PICTURES = 256
SCORING_BATCH = 1000  # pictures whose logits are computed at once
REPORT_SECONDS = 0.1  # between two calls of `on_batch`
CALL_BYTES = 2**26  # of pictures that one call of `Learner.steps` may take


def fit(
    job: TrainingJob,
    dataset: Dataset,
    *,
    callbacks: Callbacks | None = None,
    resume: Checkpoint | None = None,
    engine: Engine | None = None,
    load: LoadReader | None = None,
) -> FitResult:
    """Train epoch after epoch until all are done, patience runs out, a callback stops it or Ctrl-C comes.

    Args:
        job: what to train.
        dataset: pictures of the network's input shape.
        callbacks: what to report to.
        resume: a checkpoint of the same job to go on from.
        engine: one that is open already; None opens the job's.
        load: tells how many processors are free, where the job leaves the number of threads open; None asks the system.

    Raises:
        EngineError: the engine cannot be opened, or the job asks for what it cannot do; names the field.
        ModelError: the checkpoint is another network's or damaged.
        TrainingError: the loss is no longer a finite number.
    """
    engine = engine or open_engine(job.engine, job.device, job.threads, load)
    job = engine.settle(job)
    callbacks = callbacks or Callbacks()
    tracker = TrainingTracker(job.recipe, dataset, resume)
    data = TrainingData.choose(job, dataset)
    with engine.active():
        learner = engine.learner(job, data.training)
        if resume is not None:
            _restore(learner, job, tracker, resume)
        interrupted = False
        fixed = job.threads or threads_are_set(os.environ)
        governor = ThreadGovernor(engine, None if fixed else load or SystemLoad(), callbacks.on_threads)
        try:
            while not tracker.finished:
                _run_epoch(learner, job, data, tracker, callbacks, governor)
        except StopTraining:
            pass
        except KeyboardInterrupt:
            interrupted = True
        weights = tracker.kept(learner.read())
        learner.load(weights)
        pictures = np.array((data.validation or data.training).images[:REFERENCE_PICTURES])
        reference = (pictures, learner.logits(pictures))
    return FitResult(weights, tuple(tracker.history), tracker.best_epoch, interrupted, reference)


def losses_at(
    job: TrainingJob, dataset: Dataset, rates: Sequence[float], engine: Engine | None = None
) -> Generator[float, None, None]:
    """Loss of one batch at each of `rates`, from the starting weights on: a learning-rate range test (Smith 2017).

    Everything but the rate is as in `fit`. Close the generator to end it.
    """
    engine = engine or open_engine(job.engine, job.device, job.threads)
    job = engine.settle(job)
    data = TrainingData.choose(job, dataset)
    batches = infinite_batches(len(data.training), job.recipe.batch_size, job.recipe.seed)
    with engine.active():
        learner = engine.learner(job, data.training)
        for number, (rate, (indices, seed)) in enumerate(zip(rates, batches, strict=False)):
            yield float(learner.steps([Step(indices, seed, rate, number)]).losses[0])


@dataclass(frozen=True)
class TrainingData:
    """The pictures of a run.

    Attributes:
        training: pictures to learn from.
        validation: pictures to choose by; None where the recipe learns from them too, or there are none.
    """

    training: Split
    validation: Split | None

    @classmethod
    def choose(cls, job: TrainingJob, dataset: Dataset) -> TrainingData:
        """The splits that the recipe names.

        Raises:
            EngineError: batches of one picture, and a network with batch normalisation.
        """
        recipe = job.recipe
        training = concatenate([dataset.splits[name] for name in recipe.fitted_splits if name in dataset])
        smallest = len(training) // -(-len(training) // recipe.batch_size) // job.world_size  # see epoch_batches
        if smallest == 0:
            raise EngineError(f"batch_size {recipe.batch_size} is too small for {job.world_size} workers; raise it.")
        layers = (layer for _, layer, _ in weight_shapes(job.network.layers, job.network.planes))
        if smallest == 1 and not job.freeze_batch_norm and any(isinstance(layer, BatchNorm) for layer in layers):
            raise EngineError(
                f"batch_size {recipe.batch_size} makes batches of one picture, which batch normalisation cannot use; "
                "raise --batch-size."
            )
        return cls(training, dataset.splits.get("validation") if recipe.fit_on == "train" else None)


def _restore(learner: Learner, job: TrainingJob, tracker: TrainingTracker, resume: Checkpoint) -> None:
    weights = resume.under("weights.")
    try:
        job.network.check_weights(weights)
        job.network.check_weights(tracker.kept(weights))
        learner.load(weights)
        learner.load_optimizer(resume.under("optimizer."))
    except (NetworkError, ValueError, IndexError) as error:
        raise ModelError(f"the checkpoint is of another network, or damaged ({error}); start a new run.") from error


def _run_epoch(
    learner: Learner,
    job: TrainingJob,
    data: TrainingData,
    tracker: TrainingTracker,
    callbacks: Callbacks,
    governor: ThreadGovernor,
) -> None:
    """Train, validate, record, report."""
    epoch = tracker.next_epoch
    start = perf_counter()
    loss, accuracy, rate = _train_epoch(learner, job, len(data.training), epoch, callbacks, governor)
    seconds = perf_counter() - start
    validated: tuple[float | None, float | None] = (None, None)
    if data.validation is not None:
        validated = score(learner, data.validation)
    weights = learner.read()
    tracker.record(EpochRecord(epoch, loss, accuracy, validated[0], validated[1], rate, seconds), weights)
    callbacks.on_epoch(tracker.history, tracker.best_epoch, tracker.checkpoint(weights, learner.read_optimizer()))


def _train_epoch(
    learner: Learner, job: TrainingJob, count: int, epoch: int, callbacks: Callbacks, governor: ThreadGovernor
) -> tuple[float, float, float]:
    """Mean loss and accuracy over the batches of an epoch, and the last learning rate.

    Losses are added up step by step, so that the mean does not depend on how many steps a call takes.
    """
    steps = _steps_of(job, count, epoch)
    picture_bytes = int(np.prod(job.network.input_shape))
    at_once, most = 1, max(1, CALL_BYTES // (picture_bytes * job.recipe.batch_size))
    loss_sum, correct, seen, done = 0.0, 0.0, 0, 0
    while done < len(steps):
        governor.look()
        began = perf_counter()
        some = steps[done : done + at_once]
        results = learner.steps(some)
        for step, loss, right in zip(some, results.losses, results.correct, strict=True):
            loss_sum, correct, seen = loss_sum + loss * len(step.indices), correct + right, seen + len(step.indices)
        done += len(some)
        callbacks.on_batch(epoch, done, len(steps), loss_sum / seen, some[-1].learning_rate)
        # twice as many the next time, until a call takes as long as people wait for a report
        wanted = round(at_once * REPORT_SECONDS / max(perf_counter() - began, 1e-9))
        at_once = max(1, min(2 * at_once, most, wanted))
    return loss_sum / seen, correct / seen, steps[-1].learning_rate


def _steps_of(job: TrainingJob, count: int, epoch: int) -> list[Step]:
    recipe = job.recipe
    batches, seeds = epoch_batches(count, recipe.batch_size, recipe.seed, epoch)
    total, before = len(batches) * recipe.epochs, len(batches) * (epoch - 1)
    peak = recipe.optimizer.learning_rate
    return [
        Step(
            part_of_batch(indices, job.rank, job.world_size),
            seed,
            learning_rate(recipe.schedule, peak, before + number, total),
            before + number,
        )
        for number, (indices, seed) in enumerate(zip(batches, seeds, strict=True))
    ]


def score(learner: Learner, split: Split) -> tuple[float, float]:
    """Mean loss and accuracy of the learner's present weights on a split."""
    task = SingleLabel()
    loss, correct = 0.0, 0
    for start in range(0, len(split), SCORING_BATCH):
        part = slice(start, start + SCORING_BATCH)
        logits, labels = learner.logits(np.array(split.images[part])), np.asarray(split.labels[part])
        drop_pages(split.images)
        loss += float(task.losses(logits, labels).sum(dtype=np.float64))
        correct += int(task.correct(logits, labels).sum())
    return loss / len(split), correct / len(split)
