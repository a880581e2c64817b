"""What a run will do, decided before it starts: data, recipe, network, engine, folder; anew or taken up again."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from imagewise.checkpoint import Checkpoint
from imagewise.class_weights import class_weights
from imagewise.dataset import Dataset
from imagewise.engines import Engine, open_engine
from imagewise.errors import DataError, ModelError, NetworkError, RecipeError
from imagewise.mapped import pieces
from imagewise.network import Network, build_layers
from imagewise.picture import Framing
from imagewise.recipe import Recipe, load_recipe
from imagewise.run_folder import RunFolder
from imagewise.sources import load_data
from imagewise.sources.catalog import named_sets
from imagewise.sources.download import Progress

MANY_PICTURES = 20_000


@dataclass(frozen=True)
class Options:
    """What a user may say about a run; see `imagewise.train`."""

    recipe: str | Path | Recipe | None = None
    engine: str | None = None
    device: str = "auto"
    out: str | Path | None = None
    resume: str | Path | None = None
    overrides: Mapping[str, Any] | None = None
    offline: bool = False
    strict: bool = False
    download_progress: Progress | None = None
    framing: Framing | None = None


@dataclass(frozen=True)
class Plan:
    """A run, ready to start.

    Attributes:
        source: the data as it was named, absolute where it is a path; None for a Dataset that was handed over.
        engine_name: `pytorch`, `tensorflow` or `numpy`.
        resume: the checkpoint to go on from.
    """

    source: str | None
    dataset: Dataset
    recipe: Recipe
    network: Network
    engine_name: str
    engine: Engine
    folder: RunFolder
    resume: Checkpoint | None


def plan_run(data: Dataset | str | Path | None, options: Options) -> Plan:
    """Load, choose and check everything. Raises ImagewiseError before any time is spent on training."""
    if options.resume is not None:
        return _resume(data, options, RunFolder(Path(options.resume)))
    dataset, recipe, network, engine_name, engine = prepare(data, options)
    path = Path(options.out) if options.out else RunFolder.default_path(dataset.name, recipe.name)
    return Plan(_source(data, dataset), dataset, recipe, network, engine_name, engine, RunFolder.create(path), None)


def prepare(data: Dataset | str | Path | None, options: Options) -> tuple[Dataset, Recipe, Network, str, Engine]:
    """Data, recipe, network, and the engine's name and itself: loaded, chosen and checked; no folder is made."""
    # before the data: a misspelt name should not cost a download
    recipe = None if options.recipe is None else _recipe(options.recipe, options)
    engine_name = options.engine or "pytorch"
    with ThreadPoolExecutor(1) as pool:  # a framework takes seconds to import; the data is read meanwhile
        opening = pool.submit(open_engine, engine_name, options.device)
        dataset = _load(data, options)
        recipe = recipe or _recipe(default_recipe(dataset), options)
        class_weights(recipe, dataset)  # a class that there is not is said now
        network = design_network(recipe, dataset)
        return dataset, recipe, network, engine_name, opening.result()


def _resume(data: Dataset | str | Path | None, options: Options, folder: RunFolder) -> Plan:
    """The plan of the run in `folder`, with more epochs if the user says so."""
    clash = [name for name in ("recipe", "engine", "out", "framing") if getattr(options, name) is not None]
    clash += [key for key in options.overrides or {} if key != "epochs"]
    if clash:
        raise RecipeError(
            f"--resume {folder.path} goes on as that run began; it cannot change {', '.join(clash)}. "
            "Only --epochs may be given; for anything else start a new run."
        )
    record = folder.read_record()
    checkpoint = folder.read_checkpoint()
    try:
        recipe = Recipe.parse(record["recipe"], str(folder.record_path))
        network = Network.from_dict(record["network"])
        status, engine_name, known = record["status"], record["engine"], record["data"]
        source, fingerprint, name = known["source"], known["fingerprint"], known["name"]
        framing = Framing(**record["framing"])
    except (KeyError, TypeError, RecipeError, NetworkError, ModelError) as error:
        raise ModelError(f"{folder.record_path}: damaged, or of another version ({error}); start a new run.") from error
    recipe = recipe.override(options.overrides or {})
    done = len(checkpoint.state.get("history", []))
    if recipe.patience and checkpoint.state.get("since", 0) >= recipe.patience:
        raise RecipeError(
            f"{folder.path} is complete: it stopped after {done} epochs, {recipe.patience} of them without a better "
            "validation accuracy (patience). Start a new run; --set patience=0 trains to the last epoch."
        )
    if status == "finished" and done >= recipe.epochs:
        raise RecipeError(
            f"{folder.path} is complete after {done} epochs. To train it further, add --epochs N with N above {done}."
        )
    if data is None and source is None:
        raise DataError(f"{folder.path} was trained on {name}, a Dataset that was handed over; hand it over again.")
    dataset = _load(source if data is None else data, replace(options, framing=framing))
    if dataset.fingerprint != fingerprint:
        raise DataError(f"{dataset.name} is no longer the data that {folder.path} was trained on; start a new run.")
    engine = open_engine(engine_name, options.device)
    return Plan(source, dataset, recipe, network, engine_name, engine, folder, checkpoint)


def _recipe(recipe: str | Path | Recipe, options: Options) -> Recipe:
    recipe = recipe if isinstance(recipe, Recipe) else load_recipe(recipe)
    return recipe.override(options.overrides or {})


def _load(data: Dataset | str | Path | None, options: Options) -> Dataset:
    if not isinstance(data, Dataset):
        data = load_data(
            data,
            framing=options.framing,
            offline=options.offline,
            strict=options.strict,
            progress=options.download_progress,
        )
    if "train" not in data or len(data["train"]) < 2 or len(data.class_names) < 2:
        raise DataError(f"{data.name}: training needs at least two classes and two training pictures.")
    return data


def _source(data: Dataset | str | Path | None, dataset: Dataset) -> str | None:
    if data is None:
        return dataset.name  # the default, or what it fell back to
    if isinstance(data, Dataset):
        return None
    if isinstance(data, str) and data in named_sets():
        return data  # whatever else here may be called so
    return str(Path(data).resolve()) if Path(data).exists() else str(data)


def default_recipe(dataset: Dataset) -> str:
    """The recipe's name where the user names none: by what the pictures look like, and how many there are.

    `quick` goes over the pictures twice: enough for MNIST, too little for a small set.
    """
    if dataset.framing.kind == "photo":
        return "photo"
    return "quick" if len(dataset["train"]) >= MANY_PICTURES else "convnet"


def design_network(recipe: Recipe, dataset: Dataset) -> Network:
    """The recipe's architecture for this data: input shape, classes and normalisation filled in."""
    layers = build_layers(recipe.network.name, recipe.network.params, len(dataset.class_names))
    channels = dataset.shape[2]
    mean, std = (0.0,) * channels, (1.0,) * channels
    if recipe.normalize == "standard":
        mean, std = _mean_and_std(dataset)
    network = Network(dataset.shape, mean, std, layers)
    _check_resolution(recipe, network)
    return network


def _check_resolution(recipe: Recipe, network: Network) -> None:
    """A network that trains on smaller pictures must have the same weights there."""
    height, width, channels = network.input_shape
    sides = recipe.augment.training_sides(height, width)
    try:
        smaller = Network((*sides, channels), network.mean, network.std, network.layers).weight_shapes()
    except NetworkError:
        smaller = {}
    if smaller != network.weight_shapes():
        raise RecipeError(
            f"recipe {recipe.name}: augment.resolution = {recipe.augment.resolution:g} trains on {sides[0]}x{sides[1]} "
            f"of {height}x{width}, and network {recipe.network.name!r} does not take another size; set it to 1, or "
            "take a network that does, such as resnet."
        )


def _mean_and_std(dataset: Dataset) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Per channel over the training pictures, in 0..1, from histograms: exact, and no copy of the pictures."""
    images = dataset["train"].images
    levels = np.arange(256) / 255
    histograms = np.zeros((images.shape[3], 256))
    for piece in pieces(images):
        for channel, histogram in enumerate(histograms):
            histogram += np.bincount(piece[..., channel].ravel(), minlength=256)
    means, stds = [], []
    for histogram in histograms:
        share = histogram / histogram.sum()
        mean = float(share @ levels)
        means.append(mean)
        # a channel that never changes has no deviation to divide by
        stds.append(float(np.sqrt(share @ (levels - mean) ** 2)) or 1.0)
    return tuple(means), tuple(stds)
