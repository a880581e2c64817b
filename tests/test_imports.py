"""What is imported when: recognising pictures must not wait for a training framework."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import imagewise

HEAVY = {
    "numpy", "PIL", "onnx", "onnxruntime", "torch", "tensorflow", "keras", "pydantic", "rich", "typer", "sklearn",
    "scipy", "matplotlib", "safetensors", "tomli_w", "platformdirs", "pyarrow",
}  # fmt: skip
FRAMEWORKS = {"torch", "tensorflow", "keras"}

# runs a command in this process, then says what it has imported
COMMAND = """
import json, sys
from imagewise.cli import app
try:
    app(json.loads(sys.argv[1]))
except SystemExit as end:
    assert not end.code, end.code
print(json.dumps(sorted(sys.modules)), file=open(sys.argv[2], "w"))
"""

USE = """
import json, sys
import imagewise
model = imagewise.load_model(sys.argv[1])
model.predict(sys.argv[2])
from imagewise.prediction import predict_files
print(json.dumps(sorted(sys.modules)))
"""

EVERY_MODULE = """
import importlib, pkgutil, sys
import imagewise
for module in pkgutil.walk_packages(imagewise.__path__, "imagewise."):
    if "tensorflow" not in module.name:  # it shares no process with PyTorch
        importlib.import_module(module.name)
"""


def run_python(code: str, *arguments: str) -> str:
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def imported_by(folder: Path, *arguments: str) -> set[str]:
    """All modules that a command has imported by its end."""
    listing = folder / "modules.json"
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, json.dumps(arguments), str(listing)],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(listing.read_text()))


def test_tensorflow_is_imported_in_silence_even_where_its_log_level_says_otherwise() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import imagewise.engines.tensorflow.framework"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "0"},
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.fixture(scope="module")
def training(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, set[str]]:
    """The model that a training without a report made, and all modules that it imported."""
    folder = tmp_path_factory.mktemp("imports")
    modules = imported_by(folder, "train", "digits", "--epochs", "1", "--no-report", "--out", "run")
    return folder / "run" / "model.onnx", modules


@pytest.fixture
def model(training: tuple[Path, set[str]]) -> Path:
    return training[0]


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    from PIL import Image

    path = tmp_path / "one.png"
    Image.new("L", (28, 28), 0).save(path)
    return path


def test_importing_imagewise_imports_nothing_heavy() -> None:
    modules = run_python("import imagewise, json, sys; print(json.dumps(sorted(sys.modules)))")
    assert not HEAVY & set(json.loads(modules))


def test_every_public_name_is_there_and_is_listed() -> None:
    assert sorted(imagewise.__all__) == list(imagewise.__all__)
    assert set(dir(imagewise)) == {*imagewise.__all__, "__version__"}
    for name in dir(imagewise):
        assert getattr(imagewise, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        _ = imagewise.trian


def test_public_names_are_documented() -> None:
    for name in imagewise.__all__:
        assert getattr(imagewise, name).__doc__, name


def test_importing_any_module_prints_and_warns_nothing() -> None:
    assert run_python("import warnings; warnings.simplefilter('error')\n" + EVERY_MODULE) == ""


def test_recognising_from_python_imports_numpy_pillow_and_onnxruntime_only(model: Path, picture: Path) -> None:
    modules = set(json.loads(run_python(USE, str(model), str(picture))))
    assert HEAVY & modules == {"numpy", "PIL", "onnxruntime"}


def test_predict_and_info_import_no_framework_and_no_progress_bar(model: Path, picture: Path, tmp_path: Path) -> None:
    unwanted = (FRAMEWORKS | {"onnx", "rich", "matplotlib", "sklearn", "scipy", "safetensors"}) - {"PIL"}
    for command in (["predict", str(picture), "--model", str(model)], ["info", str(model)]):
        modules = imported_by(tmp_path, *command)
        assert not unwanted & modules
        # typer itself needs pydantic to read its options; imagewise needs it for recipes, which have no part in this
        assert "imagewise.recipe" not in modules
        assert not {name for name in modules if name.startswith("imagewise.sources")}


def test_evaluate_and_show_import_no_framework(model: Path, tmp_path: Path) -> None:
    for command in (["evaluate", str(model), "digits"], ["show", "digits"]):
        modules = imported_by(tmp_path, *command)
        assert not (FRAMEWORKS | {"onnx", "matplotlib", "sklearn", "rich.progress", "imagewise.training"}) & modules


def test_training_in_numpy_imports_no_framework(tmp_path: Path) -> None:
    command = ("train", "digits", "--engine", "numpy", "--recipe", "perceptron", "--epochs", "1", "--no-report")
    modules = imported_by(tmp_path, *command, "--out", "run")
    assert not (FRAMEWORKS | {"matplotlib"}) & modules
    assert (tmp_path / "run" / "model.onnx").exists()


def test_training_imports_no_server_no_tensorflow_and_without_a_report_no_matplotlib(
    training: tuple[Path, set[str]],
) -> None:
    modules = training[1]
    assert "torch" in modules
    assert not {"tensorflow", "keras", "matplotlib", "fastapi", "starlette", "uvicorn"} & modules
    assert not {name for name in modules if name.startswith("imagewise.server")}
