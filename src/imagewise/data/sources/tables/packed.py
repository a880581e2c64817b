"""Parquet files that hold the pictures themselves."""

from __future__ import annotations

from pathlib import Path

from imagewise.data.dataset import Dataset
from imagewise.data.picture_files.reading import Reading
from imagewise.data.sources.embedded import embedded_column, load_embedded
from imagewise.errors import DataError
from imagewise.installing import install_command


def load_parquet_folder(folder: Path, how: Reading) -> Dataset | None:
    """A folder that holds Parquet files with embedded pictures, itself or in folders (`data/train-...parquet`,
    `train/0000.parquet`); None where it does not."""
    tables = sorted(path for depth in ("*", "*/*", "*/*/*") for path in folder.glob(f"{depth}.parquet"))
    if not tables or not holds_pictures(tables[0]):
        return None
    return load_embedded(tables, folder.resolve().name, how)


def holds_pictures(table: Path) -> bool:
    """Whether a Parquet file has a column of pictures. Raises DataError where it cannot be read, or pyarrow is not
    installed."""
    try:
        import pyarrow.parquet  # noqa: F401 - whether it is there
    except ImportError as error:
        raise DataError(
            f"{table}: reading Parquet needs pyarrow. Install it with: {install_command('tables')}"
        ) from error
    try:
        return embedded_column(table) is not None
    except (OSError, ValueError) as error:  # pyarrow's own errors are of these kinds
        raise DataError(f"{table}: cannot be read as Parquet ({error}). Write the file again.") from error
