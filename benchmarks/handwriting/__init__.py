"""A generator of handwritten digits: every way of writing, any pen, any paper, from 20 to 4,000 pixels.

    from benchmarks.handwriting.drawing import JUDGING, TRAINING, VALIDATION, draw, generate

    for drawn in generate(10_000, seed=TRAINING):  # Drawn: picture (PIL), label, way, pen, paper, true_ink
        ...
    again = draw(1234, TRAINING)  # the same as number 1234 above: parts can be made in parallel (`start=`)

`junk.generate_junk(count, seed)` gives pictures that show no single digit (label -1), and
`printed.generate_printed(count, seed, split)` digits of free fonts and of seven-segment displays.
`python -m benchmarks.handwriting.contact_sheet ways ways.png` shows every way to a person. For judging and training
only: nothing of this is in the package that is installed.
"""
