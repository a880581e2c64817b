"""Where pictures come from: named sets, folders, tables and arrays, all as one `Dataset`."""

from __future__ import annotations

from pathlib import Path

from imagewise.dataset import Dataset
from imagewise.errors import DataError, DownloadError, OutputError
from imagewise.picture import Framing
from imagewise.sources.arrays import load_arrays
from imagewise.sources.bundled import load_digits
from imagewise.sources.catalog import NamedSet, did_you_mean, named_sets
from imagewise.sources.cifar import load_cifar
from imagewise.sources.download import Progress
from imagewise.sources.folder import holds_pictures, load_class_folders
from imagewise.sources.idx import is_idx_folder, load_idx_folder
from imagewise.sources.named import data_folder, fetch, find
from imagewise.sources.tables import TABLE_NAMES, load_parquet_folder, load_table
from imagewise.sources.webdataset import load_webdataset

DEFAULT, FALLBACK = "mnist", "digits"


def load_data(
    source: str | Path | None = None,
    *,
    framing: Framing | None = None,
    offline: bool = False,
    strict: bool = False,
    progress: Progress | None = None,
) -> Dataset:
    """Load labelled pictures, split for training.

    Args:
        source: the name of a set (`mnist`, `fashion-mnist`, `kmnist`, `cifar10`, `digits`, or one that lies in the
            folder IMAGEWISE_DATA); or the path of class folders, of a folder of IDX, Parquet or tar (WebDataset)
            files, or of an `.npz`, `.csv`, `.parquet` or `.tar` file. None for MNIST, or where that cannot be had for
            `digits`, with a notice.
        framing: that of a model, to score it: picture files are brought to it, arrays must have its shape. None
            for the set's own; where it has none, one is chosen by looking at the pictures, with a notice.
        offline: fetch nothing.
        strict: refuse damaged pictures instead of skipping and listing them.
        progress: told how far a download is, or the reading of picture files.

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
    named = named_sets()
    if source is None:
        return _load_default(named, framing, offline, progress)
    if isinstance(source, str) and source in named:
        return _load_named(named[source], framing, offline, progress)
    path = _path(source)
    try:
        return _load_path(path, framing, strict, progress)
    except OSError as error:  # a folder that may not be read, a drive that is gone
        raise DataError(f"{path}: cannot be read ({error.strerror or error}). Check that you may read it.") from error


def _load_default(
    named: dict[str, NamedSet], framing: Framing | None, offline: bool, progress: Progress | None
) -> Dataset:
    """MNIST, or the bundled digits and a notice that says why, in brief, and how to get MNIST."""
    if offline and find(named[DEFAULT]) is None:
        reason = "it is not on this machine, and --offline forbids to fetch it"
    else:
        try:
            return _load_named(named[DEFAULT], framing, offline, progress)
        except OutputError as error:
            reason = str(error)
        except DownloadError as error:
            reason = "no mirror serves it, " + str(error).splitlines()[1].strip()
    return _load_named(named[FALLBACK], framing, offline, progress).with_notices(
        f"MNIST could not be had: {reason}. Using the {FALLBACK} set that scikit-learn carries instead. For MNIST: "
        f"`imagewise data fetch {DEFAULT}` with a network, or name a folder that holds mnist/ in IMAGEWISE_DATA."
    )


def _load_named(entry: NamedSet, framing: Framing | None, offline: bool, progress: Progress | None) -> Dataset:
    if entry.layout == "bundled":
        return load_digits(entry, framing)
    if offline and find(entry) is None:
        raise DataError(
            f"{entry.name} is not on this machine, and --offline forbids to fetch it. Fetch it once with "
            f"`imagewise data fetch {entry.name}`, or name a folder that holds {entry.name}/ in "
            "IMAGEWISE_DATA."
        )
    folder = fetch(entry.name, progress)
    if entry.layout == "cifar":
        return load_cifar(entry, folder, framing)
    return load_idx_folder(entry.name, folder, framing or entry.framing, entry.class_names)


def _load_path(path: Path, framing: Framing | None, strict: bool, progress: Progress | None) -> Dataset:
    if path.is_dir():
        if is_idx_folder(path):
            return load_idx_folder(path.resolve().name, path, framing)
        for table in TABLE_NAMES:
            if (path / table).is_file():
                return load_table(path / table, framing, strict=strict, name=path.resolve().name, progress=progress)
        if not holds_pictures(path):
            if tars := sorted(path.glob("*.tar")):
                return load_webdataset(tars, path.resolve().name, framing, strict=strict, progress=progress)
            if (packed := load_parquet_folder(path, framing, strict=strict, progress=progress)) is not None:
                return packed
        return load_class_folders(path, framing, strict=strict, progress=progress)
    match path.suffix.lower():
        case ".npz":
            return load_arrays(path, framing)
        case ".csv" | ".parquet":
            return load_table(path, framing, strict=strict, progress=progress)
        case ".tar":
            return load_webdataset([path], path.stem, framing, strict=strict, progress=progress)
        case ".zip" | ".tgz" | ".gz" | ".bz2" | ".xz" | ".7z" | ".rar":
            raise DataError(f"{path}: a packed file. Unpack it, and name the folder that comes out of it.")
    raise DataError(
        f"{path}: not a kind of data that imagewise reads. Name a folder (class folders, IDX files, Parquet or tar "
        "files), or an .npz, .csv, .parquet or .tar file."
    )


def _path(source: str | Path) -> Path:
    """The path itself, or a bare name's place in IMAGEWISE_DATA."""
    path = Path(source).expanduser()
    if path.exists():
        return path
    bare = str(source) == path.name
    data = data_folder()
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
    data = data_folder()
    if data is None or not data.is_dir():
        return []
    paths = (p for p in data.iterdir() if p.is_dir() or p.suffix in (".npz", ".csv", ".parquet", ".tar"))
    return sorted({p.name for p in paths if not p.name.startswith(".")} - set(named_sets()))
