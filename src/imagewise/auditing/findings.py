"""What an audit finds: pictures with a reason to look at them, the most suspicious first."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from imagewise.data.corrections.applying import picture_path, pixel_digest
from imagewise.data.corrections.table import table_text
from imagewise.data.dataset import Dataset, SplitName


class What(StrEnum):
    """Why a picture is listed."""

    LABEL = "label"
    COPY = "copy"
    OUTLIER = "outlier"
    DARK = "dark"
    BRIGHT = "bright"
    BLANK = "blank"
    BLURRED = "blurred"
    SIZE = "size"

    @property
    def heading(self) -> str:
        """The heading of such pictures."""
        return _TITLES[self]

    @property
    def help(self) -> str:
        """How these pictures were found, and what to do about them."""
        return _HELP[self]


_TITLES = {
    What.LABEL: "Labels that may be wrong",
    What.COPY: "Copies and near-copies",
    What.OUTLIER: "Pictures unlike the others",
    What.DARK: "Dark pictures",
    What.BRIGHT: "Bright pictures",
    What.BLANK: "Blank pictures",
    What.BLURRED: "Blurred pictures",
    What.SIZE: "Odd sizes",
}
_HELP = {
    What.LABEL: "A model that was not fitted on these pictures finds their label less probable than another class, or "
    "less probable than 99 of 100 labels. If the label is wrong, write relabel; if nobody can tell, drop.",
    What.COPY: "Pictures that look the same. Copies in two classes: one label is wrong. Copies in two splits make "
    "scores too good: drop one of each.",
    What.OUTLIER: "The hundredth of the pictures that is least like its nearest ones. Many are rare but right; drop "
    "those that show something else.",
    What.DARK: "Even the brightest parts are dark.",
    What.BRIGHT: "Even the darkest parts are bright.",
    What.BLANK: "Next to no difference between the darkest and the brightest part.",
    What.BLURRED: "Far fewer sharp edges than in the other pictures.",
    What.SIZE: "Much larger, smaller or narrower than the other files.",
}


@dataclass(frozen=True)
class Finding:
    """A picture with a reason to look at it.

    Attributes:
        split, index: which picture.
        what: the reason.
        score: 0 to 1, the lower the more suspicious; comparable within one reason only.
        suggestion: the class that it seems to be of; "" where there is none to suggest.
        detail: for people.
        group: number of a group of copies, from 1; 0 where it is none.
    """

    split: SplitName
    index: int
    what: What
    score: float
    suggestion: str = ""
    detail: str = ""
    group: int = 0


@dataclass(frozen=True, eq=False, repr=False)
class Audit:
    """The result of an audit.

    Attributes:
        dataset: what was audited.
        splits: the splits that were.
        findings: by reason, then the most suspicious first.
        counts: number of pictures found for each reason, of which `findings` may list only the first.
        method: what the probabilities of labels come from, in words.
        accuracy: fraction of the pictures for which this method gives the label.
        seconds: how long it took.
    """

    dataset: Dataset
    splits: tuple[SplitName, ...]
    findings: tuple[Finding, ...]
    counts: dict[What, int]
    method: str
    accuracy: float
    seconds: float

    @property
    def count(self) -> int:
        """Number of pictures that were audited."""
        return sum(len(self.dataset[name]) for name in self.splits)

    def __repr__(self) -> str:
        found = ", ".join(f"{what} {count}" for what, count in self.counts.items() if count)
        return f"Audit({self.dataset.name!r}, {self.count} pictures: {found or 'nothing found'})"

    def of(self, what: What) -> list[Finding]:
        """The findings with this reason."""
        return [finding for finding in self.findings if finding.what is what]

    def path(self, finding: Finding) -> str:
        """What the table calls the picture."""
        return picture_path(self.dataset[finding.split], finding.split, finding.index)

    def label(self, finding: Finding) -> str:
        """The class that the picture has in the data set."""
        label: int = self.dataset[finding.split].labels[finding.index]
        return self.dataset.class_names[label]

    def rows(self) -> list[dict[str, object]]:
        """The rows of the table; every action is `keep`."""
        return [
            {
                "path": self.path(each),
                "label": self.label(each),
                "what": each.what.value,
                "score": f"{each.score:.6f}",
                "suggestion": each.suggestion,
                "action": "keep",
                "split": each.split,
                "detail": each.detail,
                "pixels": pixel_digest(self.dataset[each.split], each.index),
            }
            for each in self.findings
        ]

    def to_csv(self) -> str:
        """The table to act on, which `imagewise train DATA --audit FILE` applies."""
        return table_text(self.rows())

    def as_dict(self) -> dict[str, Any]:
        """Plain values in the shape of `audit --json`."""
        return {
            "data": self.dataset.name,
            "splits": list(self.splits),
            "count": self.count,
            "method": self.method,
            "accuracy": self.accuracy,
            "seconds": self.seconds,
            "counts": {what.value: count for what, count in self.counts.items()},
            "findings": [
                {key: row[key] for key in ("path", "label", "what", "suggestion", "split", "detail")}
                | {"score": each.score}
                for each, row in zip(self.findings, self.rows(), strict=True)
            ],
        }
