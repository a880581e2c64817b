"""`imagewise lr-find`."""

from __future__ import annotations

import sys
from pathlib import Path

from imagewise import cli_options as options
from imagewise.cli_options import DeviceName, Json, Offline, Strict


def lr_find(
    data: options.TrainingData = None,
    recipe: options.RecipeName = None,
    framing: options.FramingText = None,
    batch_size: options.BatchSize = None,
    engine: options.Engine = None,
    device: options.Device = DeviceName.auto,
    seed: options.Seed = None,
    set_: options.Settings = None,
    out: options.PlotFile = None,
    offline: Offline = False,
    strict: Strict = False,
    json_: Json = False,
) -> None:
    """Find a learning rate.

    Trains a little, one batch at each of 150 rising rates, and suggests one for `train`; writes the plot.
    """
    from imagewise.atomic import write_atomically
    from imagewise.console import print_fact, print_json, print_rates
    from imagewise.live import DownloadDisplay, Live, tell_of
    from imagewise.picture import Framing
    from imagewise.planning import Options, prepare
    from imagewise.rate_finder import range_test, require_range_test
    from imagewise.recipe import parse_setting

    named = {"batch_size": batch_size, "seed": seed}
    overrides = {key: value for key, value in named.items() if value is not None}
    overrides |= dict(parse_setting(text) for text in set_ or [])
    with DownloadDisplay() as reading:
        wanted = Options(
            recipe,
            engine,
            device,
            None,
            None,
            overrides,
            offline,
            strict,
            reading,
            Framing.parse(framing) if framing else None,
        )
        dataset, chosen, network, engine_name, opened = prepare(data, wanted)
    able = require_range_test(opened, engine_name)
    tell_of(dataset.notices, dataset.skipped)
    with Live() as live:

        def show(step: int, steps: int, rate: float, cost: float) -> None:
            live.update("", step, steps, f"{step}/{steps}  rate {rate:.1e}  cost {cost:.4f}")

        found = range_test(able, network, chosen, dataset, watcher=show)
    from imagewise.rate_plot import rate_plot

    path = out or Path(f"{Path(dataset.name).stem}-{chosen.name}-rates.png")
    write_atomically(path, rate_plot(found))
    if json_:
        print_json(found.as_dict() | {"plot": str(path)})
    else:
        print_rates(found)
    print_fact("plot", path, file=sys.stderr if json_ else sys.stdout)
