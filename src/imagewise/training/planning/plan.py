"""What a run will do, decided before it starts: data, job, engine, folder; from the start or resumed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imagewise.backbones.backbone import Backbone
from imagewise.cpu import usable_cpus
from imagewise.data.corrections.table import AppliedAudit
from imagewise.data.dataset import Dataset
from imagewise.data.sources.handed import Handed
from imagewise.fetch import Progress
from imagewise.framing.framing import Framing
from imagewise.networks.network import Network
from imagewise.training.checkpoint import Checkpoint
from imagewise.training.engines.base import Engine
from imagewise.training.engines.threads import cpu_text
from imagewise.training.head.job import FineTuneJob, HeadJob
from imagewise.training.head.recipe import HeadRecipe
from imagewise.training.job import TrainingJob
from imagewise.training.recipe import Recipe
from imagewise.training.run_folder import RunFolder

Data = Dataset | str | Path | Handed
"""Data as `imagewise.train` takes it."""
AnyRecipe = Recipe | HeadRecipe
Job = TrainingJob | HeadJob | FineTuneJob


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a user may say about a run; see `imagewise.train`."""

    recipe: str | Path | AnyRecipe | None = None
    engine: str | None = None
    device: str = "auto"
    out: str | Path | None = None
    resume: str | Path | None = None
    overrides: Mapping[str, Any] | None = None
    offline: bool = False
    strict: bool = False
    download_progress: Progress | None = None
    framing: Framing | str | None = None
    threads: int | None = None
    group_by: str | None = None
    near_copies: bool = True
    columns: Mapping[str, str] | None = None
    report: bool = True
    minutes: float | None = None
    half: bool = False
    audit: str | Path | None = None


@dataclass(frozen=True)
class Plan:
    """A run, ready to start.

    Attributes:
        source: the data as it was named, absolute where it is a path; None for data passed from Python.
        dataset: the pictures.
        job: what is trained, and how.
        engine: the job's engine, open; None where only a head is fitted.
        folder: the run's folder.
        resume: the checkpoint to go on from.
        threads_before: numbers of threads of the part of the run that is done already.
        complete: the run is finished and has its model; only its report is missing.
        columns: of the table that the data is, by what they are for, as the user named them.
        half: the model file holds its weights as float16.
        audit: the table of an audit that was applied to the data, and the SHA-256 of its content.
    """

    source: str | None
    dataset: Dataset
    job: Job
    engine: Engine | None
    folder: RunFolder
    resume: Checkpoint | None
    threads_before: tuple[int, ...] = ()
    complete: bool = False
    columns: Mapping[str, str] | None = None
    half: bool = False
    audit: AppliedAudit | None = None

    @property
    def recipe(self) -> AnyRecipe:
        """The job's recipe."""
        return self.job.recipe

    @property
    def backbone(self) -> Backbone | None:
        """The pretrained network that it starts from, if any."""
        return None if isinstance(self.job, TrainingJob) else self.job.backbone

    @property
    def network(self) -> Network | None:
        """The network that is made; None where the backbone is a graph of its own."""
        return self.job.network

    @property
    def engine_name(self) -> str:
        """`pytorch`, `tensorflow` or `numpy`; `onnxruntime` where it computes the features of a head."""
        return self.job.engine

    @property
    def device(self) -> str:
        """Where it runs, for people: `cpu (2 threads)`."""
        if self.engine is not None:
            return self.engine.device
        return "cuda" if self.job.device == "cuda" else cpu_text(self.job.threads or usable_cpus(), usable_cpus())
