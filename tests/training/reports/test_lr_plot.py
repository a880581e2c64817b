"""Without matplotlib (it comes with the extra for training), lr-find says so before it searches."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from imagewise.cli.app import app
from imagewise.errors import EngineError
from imagewise.training.reports.lr_plot import require_matplotlib


@pytest.fixture
def _no_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imagewise.training.reports.lr_plot.find_spec", lambda name: None)


def test_matplotlib_is_not_missed_where_it_is_installed() -> None:
    require_matplotlib()


@pytest.mark.usefixtures("_no_matplotlib")
def test_the_extra_is_named_where_matplotlib_is_missing() -> None:
    with pytest.raises(EngineError, match=r"matplotlib.*\[train\]"):
        require_matplotlib()


@pytest.mark.usefixtures("_no_matplotlib")
def test_the_command_refuses_before_it_reads_any_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["lr-find", "no-such-data", "--engine", "numpy"])
    assert result.exit_code == 2
    assert "[train]" in result.stderr
    assert not list(tmp_path.iterdir())
