"""`imagewise info` on metadata that another tool wrote again, or that holds anything at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import imagewise
from command_line import rewritten, run
from contract import a_network, random_weights, write_model
from imagewise.networks.layers import Dense, Flatten

NETWORK = a_network(Flatten(), Dense(3), shape=(12, 10, 1))
FREE_KEYS = ("recipe", "data", "metrics", "versions", "network", "created", "class_names", "framing", "backbone")
SCORE = {"accuracy": 0.9, "accuracy_interval": [0.8, 0.95], "count": 1}

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.just(10**400) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    ["name", "epochs", "seed", "split_rule", "fingerprint", "test", "accuracy", "accuracy_interval", "count", "layers",
     "layer", "units", "body", "shortcut", "merge", "Dense", "Branch", "Conv"]
)  # fmt: skip
LIKELY_JSON = st.recursive(
    JSON | FIELDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=4),
    max_leaves=10,
)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("info") / "model.onnx", NETWORK, random_weights(NETWORK))


def info(plain: Path, key: str, value: Any) -> str:
    path = rewritten(plain, plain.with_name("changed.onnx"), {f"imagewise.{key}": json.dumps(value)})
    as_json = run("info", path, "--json")
    result = run("info", path)
    assert result.exit_code == as_json.exit_code
    if result.exit_code == 0:
        assert json.loads(as_json.stdout)["model"] == str(path)
        return result.stdout
    assert result.exit_code == 2
    assert str(path) in result.stderr
    return ""


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("recipe", {}), ("recipe", []), ("recipe", "mine"), ("recipe", None), ("recipe", {"name": "a", "epochs": []}),
        ("data", {}), ("data", 3), ("data", None), ("data", [["name", "a"]]),
        ("metrics", None), ("metrics", []), ("metrics", {"test": None}), ("metrics", {"test": SCORE | {"count": "1"}}),
        ("metrics", {"test": SCORE | {"accuracy_interval": [1]}}), ("metrics", {"test": {"accuracy": 10**400}}),
        ("metrics", {"test": {"accuracy": 0.5}}), ("metrics", 0.5),
        ("versions", None), ("versions", []), ("versions", "1.0"), ("versions", {"a": [1]}),
        ("network", {}), ("network", []), ("network", {"layers": 3}), ("network", {"layers": [None, "Dense", {}]}),
        ("network", {"layers": [{"layer": "Branch", "merge": 1, "body": 2, "shortcut": None}]}),
        ("class_names", [1, None, "\ud800"]), ("class_names", [[], {}, 2.5]), ("class_names", {"a": 1, "b": 2, "c": 3}),
        ("created", 7), ("created", None),
        ("backbone", {}), ("backbone", None), ("backbone", "net"), ("backbone", {"name": "a", "licence": ["b"]}),
    ],
)  # fmt: skip
def test_metadata_of_another_kind_is_refused_by_name_or_printed_as_far_as_it_goes(
    plain: Path, key: str, value: object
) -> None:
    text = info(plain, key, value)  # refused with exit code 2 and the file's name, or printed
    assert not text or "classes     3: " in text


@given(key=st.sampled_from(FREE_KEYS), value=JSON | LIKELY_JSON)
@settings(max_examples=100)
def test_no_metadata_ends_in_a_traceback(plain: Path, key: str, value: object) -> None:
    info(plain, key, value)


def test_what_is_missing_is_said_to_be(plain: Path) -> None:
    for key, fact in (("recipe", "recipe"), ("data", "data"), ("data", "split"), ("data", "SHA-256")):
        lines = info(plain, key, {}).splitlines()
        assert f"{fact:<10}  not in the file" in lines
    assert "versions    not in the file" in info(plain, "versions", {})


def test_what_is_there_is_printed_beside_what_is_missing(plain: Path) -> None:
    recipe = next(line for line in info(plain, "recipe", {"name": "mine", "epochs": 1}).splitlines() if "mine" in line)
    assert "1 epoch," in recipe
    assert "not in the file" in recipe
    text = info(plain, "metrics", {"test": SCORE, "odd": {}})
    assert "90%" in text
    assert "1 picture)" in text
    assert f"{'odd':<10}  not in the file" in text.splitlines()


@pytest.mark.parametrize("depth", [50, 900, 100_000])
def test_deep_metadata_is_printed_or_refused(plain: Path, depth: int) -> None:
    branch = '{"layer": "Branch", "merge": "add", "shortcut": [], "body": ['
    deep = {
        "imagewise.network": '{"layers": [' + branch * depth + "]}" * depth + "]}",
        "imagewise.recipe": '{"name": ' + "[" * depth + "]" * depth + "}",
    }
    for key, value in deep.items():
        path = rewritten(plain, plain.with_name("deep.onnx"), {key: value})
        for options in ([], ["--json"]):
            result = run("info", path, *options)
            assert result.exit_code in (0, 2)


BACKBONE = {
    "name": "small_net",
    "title": "Small Net",
    "digest": "0123456789abcdef",
    "licence": "Apache-2.0",
    "source": "https://example.org/small",
    "citation": "A. Author: Small networks, 2020.",
}


def test_a_pretrained_network_is_named_with_the_licence_of_its_weights_and_what_to_cite(plain: Path) -> None:
    lines = info(plain, "backbone", BACKBONE).splitlines()
    assert "network     Small Net (pretrained), Dense(3)" in lines
    assert "backbone    small_net, digest 0123456789ab, https://example.org/small" in lines
    assert "licence     of the weights: Apache-2.0" in lines
    assert "citation    A. Author: Small networks, 2020." in lines
    assert len([line for line in lines if line.startswith("licence")]) == 1  # the data has none


def test_licences_of_weights_and_data_have_a_line_each(plain: Path) -> None:
    with_data = rewritten(
        plain,
        plain.with_name("licences.onnx"),
        {
            "imagewise.backbone": json.dumps(BACKBONE),
            "imagewise.data": json.dumps({"name": "d", "licence": "CC0", "attribution": "B. Author"}),
        },
    )
    lines = [line for line in run("info", with_data).stdout.splitlines() if line.startswith("licence")]
    assert lines == ["licence     of the weights: Apache-2.0", "licence     of the data: CC0; B. Author"]


def test_an_onnx_file_as_a_backbone_has_a_name_and_may_lack_the_rest(plain: Path) -> None:
    lines = info(plain, "backbone", {"name": "mine.onnx"}).splitlines()
    assert "network     mine.onnx (pretrained), Dense(3)" in lines
    assert "licence     of the weights: not in the file" in lines
    assert not any(line.startswith("citation") for line in lines)
    path = rewritten(
        plain,
        plain.with_name("without.onnx"),
        {"imagewise.backbone": json.dumps({"name": "mine.onnx"}), "imagewise.network": "{}"},
    )
    assert "network     mine.onnx (pretrained), Dense(3)" in run("info", path).stdout.splitlines()


def test_a_recipe_without_epochs_says_nothing_of_epochs(plain: Path) -> None:
    path = rewritten(
        plain,
        plain.with_name("head.onnx"),
        {
            "imagewise.backbone": json.dumps(BACKBONE),
            "imagewise.recipe": json.dumps({"name": "transfer", "seed": 3}),
        },
    )
    assert "recipe      transfer, seed 3" in run("info", path).stdout.splitlines()


def test_of_many_layers_the_first_and_the_last_are_named(plain: Path) -> None:
    layers = [{"layer": "Conv", "filters": 8, "kernel": 3}, *[{"layer": "ReLU"}] * 100]
    layers += [{"layer": "GlobalPool"}, {"layer": "Dense", "units": 3}]
    lines = info(plain, "network", {"layers": layers}).splitlines()
    assert "network     103 layers: Conv(8, 3x3) ReLU ReLU ... GlobalPool Dense(3)" in lines


def test_info_prints_a_model_in_columns(model: Path) -> None:
    lines = run("info", model).stdout.splitlines()
    names = ["model", "classes", "framing", "network", "recipe", "data", "licence", "split", "SHA-256"]
    assert [line[:12].rstrip() for line in lines] == [*names, "validation", "test", "versions", "created"]
    assert lines[1][12:] == "10: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9"
    assert lines[2][12:] == "ink, 28x28 grey"
    assert lines[3][12:] == "Flatten Dense(256) ReLU Dense(256) ReLU Dense(10)"


def test_info_json_is_the_models_card(model: Path) -> None:
    values = json.loads(run("info", model, "--json").stdout)
    card = imagewise.load_model(model).card
    assert values == json.loads(json.dumps({"model": str(model)} | card.as_dict()))
