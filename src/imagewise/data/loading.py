"""Where pictures come from: named sets, folders, tables and arrays, all as one `Dataset`."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from imagewise.data.auto_framing import FROM_SCRATCH, PhotoSizes
from imagewise.data.by_path import DATA_SUFFIXES, load_path
from imagewise.data.catalog import NamedSet, named_sets
from imagewise.data.dataset import Dataset
from imagewise.data.groups.grouping import Grouping
from imagewise.data.named_sets import fetch, find
from imagewise.data.picture_files.reading import Reading
from imagewise.data.sources import emnist
from imagewise.data.sources.archives import unpack
from imagewise.data.sources.cifar import load_cifar
from imagewise.data.sources.digits import load_digits
from imagewise.data.sources.handed import Handed, load_handed
from imagewise.data.sources.idx import load_idx_folder
from imagewise.data.sources.mnist_sample import load_mnist_sample
from imagewise.display.notices import warn_of
from imagewise.display.progress import DownloadDisplay, Silent
from imagewise.errors import DataError, DownloadError, OutputError, did_you_mean, is_address, not_downloaded
from imagewise.fetch import Progress
from imagewise.framing.framing import Framing
from imagewise.paths import data_dir

DEFAULT, FALLBACK = "mnist", "mnist-sample"


def load_data(
    source: str | Path | Handed | None = None,
    *,
    framing: Framing | str | None = None,
    offline: bool = False,
    strict: bool = False,
    columns: Mapping[str, str] | None = None,
    verbose: bool = True,
    progress: Progress | None = None,
    group_by: str | None = None,
    near_copies: bool = True,
) -> Dataset:
    """Load labelled pictures, split for training.

    Warns (`ImagewiseWarning`) of what falls back or is left out; all of it is in `notices` and `skipped` of the result.

    Args:
        source: the name of a set (`mnist`, `fashion-mnist`, `kmnist`, `cifar10`, `emnist-letters`, `emnist-balanced`,
            `mnist-sample`, `digits`, or one in IMAGEWISE_DATA); or the path of class folders, of a folder of IDX,
            `.npy`, `.ndjson`, Parquet or tar (WebDataset) files or with a table, or of an `.npz`, `.csv`, `.tsv`,
            `.jsonl`, `.parquet` or `.tar` file, or of one IDX file where several sets are in a folder; or pictures in
            memory, or a table: see `load_handed`. None for MNIST, or `mnist-sample`, with a notice, if MNIST is
            unavailable.
        framing: that of a model, to score it, or a text such as `photo:96`: picture files are brought to it, arrays
            must have its shape. None for the set's own; where it has none, one is chosen by looking at the pictures,
            with a notice.
        offline: fetch nothing.
        strict: refuse damaged pictures instead of skipping and listing them.
        columns: which columns of a table to take, by what they are for: {"file": "photo", "label": "breed"}. None to
            go by the names that people use.
        verbose: show how far a download is, or the reading of pictures: a bar on a terminal and in a notebook, short
            lines on stderr elsewhere.
        progress: told so instead.
        group_by: a regular expression on the names of picture files; see `Grouping`. Pictures of one group are put
            into one split.
        near_copies: put pictures that look the same into one split. False splits by content alone.

    Raises:
        DataError: no such set or path, or what is there cannot be used.
        DownloadError: the set named is not on this machine and no mirror serves it.

    >>> import imagewise
    >>> data = imagewise.load_data("digits")
    >>> data.class_names[:3], data.shape
    (('0', '1', '2'), (28, 28, 1))
    >>> {name: len(split) for name, split in data.splits.items()}
    {'train': 1437, 'validation': 171, 'test': 189}
    """
    shown = DownloadDisplay() if verbose and progress is None else Silent()
    with shown:
        dataset = open_data(
            source,
            framing=framing,
            offline=offline,
            strict=strict,
            columns=columns,
            progress=progress or shown,
            grouping=Grouping(group_by, near_copies),
        )
    warn_of(dataset.notices, dataset.skipped)
    return dataset


def open_data(
    source: str | Path | Handed | None = None,
    *,
    framing: Framing | str | None = None,
    offline: bool = False,
    strict: bool = False,
    columns: Mapping[str, str] | None = None,
    progress: Progress | None = None,
    grouping: Grouping | None = None,
    photo_sizes: PhotoSizes = FROM_SCRATCH,
) -> Dataset:
    """`load_data` for callers that show progress and notices themselves: it prints and warns nothing.

    Args:
        photo_sizes: what photographs are framed to where nobody names a framing.
    """
    how = Reading(Framing.of(framing), columns or {}, strict, progress, grouping or Grouping(), photo_sizes)
    if not isinstance(source, str | Path | None):
        return load_handed(source, how)
    named = named_sets()
    if source is None or (isinstance(source, str) and source in named):
        how.refuse_columns(source or DEFAULT)
        how.refuse_groups(source or DEFAULT)
        return _load_named(named[source], how, offline) if source else _load_default(named, how, offline)
    path = locate(source)
    try:
        return load_path(path, how)
    except OSError as error:  # a folder that may not be read, a drive that is gone
        place = error.filename or path  # the folder of one class, say
        raise DataError(f"{place}: cannot be read ({error.strerror or error}). Check that you may read it.") from error


def check_source(source: str | Path | Handed | None) -> None:
    """Raise DataError now where `load_data` would find no such set, file or folder."""
    if isinstance(source, str | Path) and not (isinstance(source, str) and source in named_sets()):
        locate(source)


def _load_default(named: dict[str, NamedSet], how: Reading, offline: bool) -> Dataset:
    """MNIST, or its bundled sample and a notice that says why, in brief, and how to get MNIST."""
    if offline and find(named[DEFAULT]) is None:
        reason = "it is not on this machine, and --offline forbids to fetch it"
    else:
        try:
            return _load_named(named[DEFAULT], how, offline)
        except OutputError as error:
            reason = str(error)
        except DownloadError as error:
            reason = "no mirror serves it"
            if error.attempts:
                reason += f", {error.attempts[0].url}: {error.attempts[0].reason}"
    return _load_named(named[FALLBACK], how, offline).with_notices(
        f"MNIST is unavailable: {reason}. Using {FALLBACK}, 6,500 pictures of it that come with imagewise. For MNIST: "
        f"`imagewise data fetch {DEFAULT}` with a network, or name a folder that holds mnist/ in IMAGEWISE_DATA."
    )


def _load_named(entry: NamedSet, how: Reading, offline: bool) -> Dataset:
    data = _read_named(entry, how, offline)
    return replace(data, licence=entry.licence, attribution=entry.citation)


def _read_named(entry: NamedSet, how: Reading, offline: bool) -> Dataset:
    match entry.name:
        case "digits":
            return load_digits(entry, how.framing)
        case "mnist-sample":
            return load_mnist_sample(entry, how.framing)
    if offline and find(entry) is None:
        raise DataError(
            f"{entry.name} is not on this machine, and --offline forbids to fetch it. Fetch it once with "
            f"`imagewise data fetch {entry.name}`, or name a folder that holds {entry.name}/ in "
            "IMAGEWISE_DATA."
        )
    folder = fetch(entry.name, how.progress)
    if entry.layout == "cifar":
        return load_cifar(entry, folder, how.framing)
    if entry.layout == "emnist":
        return _load_emnist(entry, folder, how)
    return load_idx_folder(entry.name, folder, how.framing or entry.framing, entry.class_names)


def _load_emnist(entry: NamedSet, folder: Path, how: Reading) -> Dataset:
    """One of EMNIST's sets, out of the zip that holds all of them or the files that it unpacks to."""
    place = emnist.locate(folder, entry.name)
    if place is not None and place.is_file():
        place = emnist.locate(unpack(place, how.progress), entry.name)
    if place is None:
        raise DataError(f"{folder}: {emnist.ARCHIVE} does not hold {entry.name}. Remove it, and fetch it again.")
    data = load_idx_folder(entry.name, place, how.framing or entry.framing, prefix=f"{entry.name}-")
    return replace(data, notices=()) if data.class_names == entry.class_names else data


def locate(source: str | Path) -> Path:
    """The path itself, or a bare name's place in IMAGEWISE_DATA. Raises DataError if nothing is there."""
    if not str(source).strip():  # as a path it would be the current folder
        raise DataError("the name of the data is empty. Name a set, a folder or a file; `.` is the current folder.")
    if is_address(str(source)):
        reason, remedy = not_downloaded("folder or file")
        raise DataError(f"{source}: {reason}. {remedy}")
    path = Path(source)
    with suppress(RuntimeError):  # "~" for somebody who has no home: a folder of that name
        path = path.expanduser()
    if path.exists():
        return path
    bare = str(source) == path.name
    data = data_dir()
    if bare and data is not None and (data / path).exists():
        return data / path
    if not bare:
        raise DataError(f"{path}: no such file or folder. Check the path.")
    known = [*named_sets(), *_own_sets()]
    raise DataError(
        f"no set, file or folder is called {str(source)!r}.{did_you_mean(str(source), known)} Known sets: "
        f"{', '.join(known)}. For your own pictures, give the path of their folder."
    )


def _own_sets() -> list[str]:
    """What else lies in IMAGEWISE_DATA."""
    data = data_dir()
    if data is None or not data.is_dir():
        return []
    paths = (path for path in data.iterdir() if path.is_dir() or path.name.lower().endswith(DATA_SUFFIXES))
    return sorted({p.name for p in paths if not p.name.startswith(".")} - set(named_sets()))
