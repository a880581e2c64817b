"""What is imported when: recognising pictures must not wait for a training framework."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

import imagewise
from running_servers import PATIENCE, running

HEAVY = {
    "numpy", "PIL", "onnx", "onnxruntime", "torch", "tensorflow", "keras", "pydantic", "rich", "typer", "sklearn",
    "scipy", "matplotlib", "safetensors", "tomli_w", "platformdirs", "pyarrow",
}  # fmt: skip
FRAMEWORKS = {"torch", "tensorflow", "keras"}
NETWORK = {"ssl", "http.client", "urllib.request", "email.parser"}  # a start that downloads nothing does without

# runs a command in this process, then says what it has imported
COMMAND = """
import json, sys
from imagewise.cli.app import app
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
from imagewise.model.picture_files import predict_files
print(json.dumps(sorted(sys.modules)))
"""

EVERY_MODULE = """
import importlib, pkgutil, sys
import imagewise
for module in pkgutil.walk_packages(imagewise.__path__, "imagewise."):
    if not {"tensorflow", "keras"} & {*module.name.split(".")}:  # they share no process with PyTorch
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


@pytest.fixture(scope="module")
def training(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, set[str]]:
    """The model that a training made, and all modules that it imported."""
    folder = tmp_path_factory.mktemp("imports")
    modules = imported_by(folder, "train", "digits", "--epochs", "1", "--out", "run")
    assert "<svg" in (folder / "run" / "report.html").read_text("utf-8")
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


def test_recognising_from_python_imports_numpy_pillow_pydantic_and_onnxruntime_only(model: Path, picture: Path) -> None:
    modules = set(json.loads(run_python(USE, str(model), str(picture))))
    assert HEAVY & modules == {"numpy", "PIL", "onnxruntime", "pydantic"}
    assert not NETWORK & modules


def test_predict_and_info_import_no_framework_and_no_progress_bar(model: Path, picture: Path, tmp_path: Path) -> None:
    unwanted = FRAMEWORKS | {"onnx", "rich", "matplotlib", "sklearn", "scipy", "safetensors"}
    for command in (["predict", str(picture), "--model", str(model)], ["info", str(model)]):
        modules = imported_by(tmp_path, *command)
        assert not (unwanted | NETWORK) & modules
        # typer itself needs pydantic to read its options; imagewise needs it for recipes, which have no part in this
        assert "imagewise.training.recipe" not in modules
        assert not {name for name in modules if name.startswith("imagewise.data.loading")}


def test_evaluate_and_show_import_no_framework(model: Path, tmp_path: Path) -> None:
    for command in (["evaluate", str(model), "digits"], ["show", "digits"]):
        modules = imported_by(tmp_path, *command)
        assert not (FRAMEWORKS | {"onnx", "matplotlib", "sklearn", "rich.progress", "imagewise.training.run"}) & modules


def compiled_packages(process: int) -> set[str]:
    """The packages in site-packages whose compiled parts a process or its children have loaded."""
    maps = Path(f"/proc/{process}/maps").read_text()
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    found = set(re.findall(r"/site-packages/(\w+)[./]", maps))
    return found.union(*(compiled_packages(int(child)) for child in children))


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_serving_loads_no_framework(model: Path, picture: Path) -> None:
    with running("--model", str(model)) as server:
        answer = httpx.post(f"{server.address}/predict", content=picture.read_bytes(), timeout=PATIENCE)
        assert answer.status_code == 200, answer.text
        packages = compiled_packages(server.process.pid)
    assert {"numpy", "onnxruntime"} <= packages
    assert not (FRAMEWORKS | {"onnx", "matplotlib", "sklearn", "scipy", "pyarrow", "safetensors"}) & packages


def test_training_in_numpy_imports_no_framework(tmp_path: Path) -> None:
    command = ("train", "digits", "--engine", "numpy", "--recipe", "perceptron", "--epochs", "1")
    modules = imported_by(tmp_path, *command, "--out", "run")
    assert not (FRAMEWORKS | {"matplotlib"}) & modules
    assert (tmp_path / "run" / "model.onnx").exists()
    assert "<svg" in (tmp_path / "run" / "report.html").read_text("utf-8")


def test_training_and_its_report_import_no_server_no_tensorflow_and_no_matplotlib(
    training: tuple[Path, set[str]],
) -> None:
    modules = training[1]
    assert "torch" in modules
    assert not {"tensorflow", "keras", "matplotlib", "fastapi", "starlette", "uvicorn"} & modules
    assert not {name for name in modules if name.startswith("imagewise.server")}
