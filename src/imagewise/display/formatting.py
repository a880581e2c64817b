"""Numbers and names as people read them in reports and advice."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

SEVERAL_DIGITS = ((5000, 2), (500, 1))  # a digit is shown where one picture moves it by 2 at most


def percent(share: float, count: int) -> str:
    """A fraction of `count` pictures as a percentage, with no more digits than so many pictures support.

    Only all and none are `100%` and `0%`: what merely rounds to them is `over 99%` or `under 1%`.
    """
    digits = _digits(count)
    text, smallest = _rounded(100 * share, digits), 10.0**-digits
    if share < 1 and float(text) == 100:
        return f"over {100 - smallest:.{digits}f}%"
    if share > 0 and float(text) == 0:
        return f"under {smallest:.{digits}f}%"
    return f"{text}%"


def interval(bounds: tuple[float, float], count: int) -> str:
    """A range of fractions: `between 55% and 81%`; `at least` or `at most` where one bound rounds to all or none."""
    digits = _digits(count)
    low, high = (percent(bound, count) for bound in bounds)
    if low == high:
        return f"about {low}"
    if float(_rounded(100 * bounds[1], digits)) >= 100:
        return f"at least {low}"
    if float(_rounded(100 * bounds[0], digits)) <= 0:
        return f"at most {high}"
    return f"between {low} and {high}"


def points(difference: float, count: int) -> str:
    """A difference of two fractions of `count` pictures in percentage points: `3.4 points`."""
    text = _rounded(100 * difference, _digits(count))
    return f"{text} point{'' if text == '1' else 's'}"


def quoted(name: str) -> str:
    """A name in quotation marks, isolated, so that a right-to-left one leaves the sentence in order."""
    return f"“\N{FIRST STRONG ISOLATE}{name}\N{POP DIRECTIONAL ISOLATE}”"


def _rounded(value: float, digits: int) -> str:
    """Rounded to so many digits, halves up, as the pages' JavaScript does it: 12.5 is 13."""
    return f"{Decimal(value).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP):f}"


def _digits(count: int) -> int:
    return next((digits for least, digits in SEVERAL_DIGITS if count >= least), 0)
