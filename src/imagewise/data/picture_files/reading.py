"""What a caller asks of every source alike, handed from `load_data` through the readers as one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from imagewise.data.auto_framing import FROM_SCRATCH, PhotoSizes
from imagewise.data.groups.grouping import Grouping
from imagewise.errors import DataError
from imagewise.fetch import Progress
from imagewise.framing.framing import Framing


@dataclass(frozen=True)
class Reading:
    """How a set is to be read.

    Attributes:
        framing: None to choose by looking at the pictures.
        columns: name of a table's column by what it is for; see `find_roles`.
        strict: refuse damaged pictures instead of skipping them.
        progress: told how far the reading is.
        grouping: what stays in one split.
        photo_sizes: what photographs are framed to where `framing` is None.
    """

    framing: Framing | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    strict: bool = False
    progress: Progress | None = None
    grouping: Grouping = field(default_factory=Grouping)
    photo_sizes: PhotoSizes = FROM_SCRATCH

    def refuse_columns(self, where: object) -> None:
        """Raise DataError if columns are named for what is no table."""
        if self.columns:
            raise DataError(
                f"{where}: columns= names the columns of a table, but no table says what these pictures show. "
                "Leave it out."
            )

    def refuse_groups(self, where: object) -> None:
        """Raise DataError if groups by file names are asked for of arrays."""
        if self.grouping.by is not None and self.grouping.must_match:
            raise DataError(
                f"{where}: --group-by needs picture files, which have names, but this set holds arrays. "
                "Leave the option out."
            )
