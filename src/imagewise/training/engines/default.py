"""The engine of a run that names none: PyTorch, or NumPy where PyTorch is not installed and the run can do without."""

from __future__ import annotations

from imagewise.errors import EngineError
from imagewise.installing import install_command
from imagewise.training.engines.registry import EngineName, is_installed
from imagewise.training.job import TrainingJob


def default_engine() -> EngineName:
    """`pytorch` where it is installed, else `numpy`."""
    return EngineName.PYTORCH if is_installed("pytorch") else EngineName.NUMPY


def explain_numpy(job: TrainingJob) -> str:
    """What to tell the user about a job that NumPy trains because PyTorch is not installed.

    Raises:
        EngineError: the job needs PyTorch; names the command that installs it.
    """
    from imagewise.training.engines.numpy.scope import refusal

    command = install_command("train")
    if refusal(job.recipe, job.network) is not None:
        raise EngineError(
            f"recipe {job.recipe.name} needs PyTorch (torch), which is not installed. Install it with: {command}\n"
            "Without PyTorch, imagewise trains perceptrons: --recipe perceptron"
        )
    return (
        f"PyTorch is not installed, so the numpy engine trains recipe {job.recipe.name}. Most other recipes need "
        f"PyTorch; install it with: {command}"
    )
