import csv
import io

from imagewise.training.history import EpochRecord, history_csv

COLUMNS = ["epoch", "cost", "accuracy", "validation_cost", "validation_accuracy", "learning_rate", "seconds"]


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_history_csv_has_the_columns_of_the_design_in_their_order() -> None:
    assert history_csv([]) == ",".join(COLUMNS) + "\n"


def test_history_csv_has_a_row_an_epoch_with_six_significant_digits() -> None:
    first = EpochRecord(1, 0.31456789, 0.9117, 0.14561, 0.9594, 0.001, 1.25)
    second = EpochRecord(2, 1.5e-7, 1.0, 0.1, 0.97, 0.0005, 1.0)
    written = rows(history_csv([first, second]))
    assert list(written[0].values()) == ["1", "0.314568", "0.9117", "0.14561", "0.9594", "0.001", "1.25"]
    assert float(written[1]["cost"]) == second.cost
    assert written[1]["epoch"] == "2"


def test_what_was_not_validated_is_left_empty() -> None:
    (written,) = rows(history_csv([EpochRecord(1, 0.5, 0.8, None, None, 0.001, 1.0)]))
    assert (written["validation_cost"], written["validation_accuracy"]) == ("", "")


def test_history_csv_ends_every_line_in_the_same_way_on_every_system() -> None:
    assert "\r" not in history_csv([EpochRecord(1, 0.5, 0.8, None, None, 0.001, 1.0)])
