import pytest

from imagewise.display.formatting import interval, percent, points, quoted


@pytest.mark.parametrize(
    ("share", "count", "text"),
    [
        (34 / 87, 87, "39%"), (0.98154, 10_000, "98.15%"), (0.98154, 500, "98.2%"), (0.98154, 499, "98%"),
        (0.99999, 20_000, "over 99.99%"), (299 / 300, 300, "over 99%"), (1.0, 20_000, "100.00%"), (1.0, 3, "100%"),
        (1 / 300, 300, "under 1%"), (0.0, 300, "0%"), (0.00001, 20_000, "under 0.01%"),
        (1 / 8, 8, "13%"), (3 / 8, 8, "38%"), (0.0625, 600, "6.3%"),
    ],
)  # fmt: skip
def test_percentages_have_the_digits_that_the_count_supports_and_never_round_to_all_or_none(
    share: float, count: int, text: str
) -> None:
    assert percent(share, count) == text


@pytest.mark.parametrize(
    ("bounds", "count", "text"),
    [
        ((0.55, 0.81), 46, "between 55% and 81%"), ((0.9706, 0.9991), 189, "at least 97%"),
        ((0.9, 1.0), 30, "at least 90%"), ((0.0, 0.03), 100, "at most 3%"), ((0.001, 0.03), 100, "at most 3%"),
        ((0.9801, 0.9804), 900, "about 98.0%"), ((0.004, 0.03), 600, "between 0.4% and 3.0%"),
    ],
)  # fmt: skip
def test_an_interval_reads_as_a_sentence(bounds: tuple[float, float], count: int, text: str) -> None:
    assert interval(bounds, count) == text


def test_points_are_singular_and_plural() -> None:
    assert points(0.2, 50) == "20 points"
    assert points(0.012, 50) == "1 point"
    assert points(0.01234, 6000) == "1.23 points"


def test_a_quoted_name_is_isolated() -> None:
    name = "שלום"
    assert quoted(name) == f"“\u2068{name}\u2069”"
