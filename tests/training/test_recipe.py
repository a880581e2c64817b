from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewise.errors import RecipeError
from imagewise.networks.architectures import build_layers
from imagewise.training.recipe import Augment, Pen, Recipe
from imagewise.training.recipes.files import bundled_recipes, load_recipe, parse_setting

PLAIN: dict[str, Any] = {
    "name": "plain",
    "network": {"name": "perceptron"},
    "optimizer": {"name": "adam", "learning_rate": 0.001},
    "batch_size": 100,
    "epochs": 15,
}

names = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
shares = st.floats(0, 0.999)
rates = st.floats(1e-9, 1e3)
betas = st.fixed_dictionaries({}, optional={"beta1": shares, "beta2": shares, "epsilon": rates})
optimizers = st.one_of(
    st.builds(lambda rate, rest: {"name": "adam", "learning_rate": rate} | rest, rates, betas),
    st.builds(
        lambda rate, rest, decay: {"name": "adamw", "learning_rate": rate, "weight_decay": decay} | rest,
        rates, betas, st.floats(0, 1),
    ),
    st.builds(
        lambda rate, momentum: {"name": "sgd", "learning_rate": rate, "momentum": momentum, "nesterov": momentum > 0.5},
        rates, shares,
    ),
)  # fmt: skip
params: st.SearchStrategy[Any] = st.dictionaries(
    names, st.booleans() | st.integers(-99, 99) | st.floats(-9, 9) | names | st.lists(st.integers(1, 9), max_size=3)
)
schedules = st.one_of(
    st.fixed_dictionaries({"name": st.just("constant")}, optional={"warmup": shares}),
    st.fixed_dictionaries(
        {"name": st.sampled_from(["linear", "cosine"])}, optional={"warmup": shares, "final": st.floats(0, 1)}
    ),
)
part = st.floats(0, 1)
PEN: dict[str, st.SearchStrategy[Any]] = {
    "stroke": st.floats(0, 2),
    "coarse": part,
    "blur": part,
    "fade": shares,
    "clutter": part,
    "noise": part,
}
AUGMENT: dict[str, st.SearchStrategy[Any]] = {
    "rotate": st.floats(0, 180),
    "translate": shares,
    "scale": shares,
    "shear": st.floats(0, 89),
    "stretch": shares,
    "elastic": shares,
    "elastic_width": st.floats(0.03, 1),
    "flip": st.booleans(),
    "crop": st.floats(0.01, 1),
    "brightness": shares,
    "contrast": shares,
    "saturation": shares,
    "erase": part,
    "mixup": st.floats(0, 0.5),
    "cutmix": st.floats(0, 0.5),
    "resolution": st.floats(0.01, 1),
    "pen": st.fixed_dictionaries({}, optional=PEN),
}
recipes = st.builds(
    lambda required, optional: Recipe.parse(required | optional, "generated"),
    st.fixed_dictionaries(
        {
            "name": names,
            "network": st.fixed_dictionaries({"name": names}, optional={"params": params}),
            "optimizer": optimizers,
            "batch_size": st.integers(1, 10**6),
            "epochs": st.integers(1, 10**6),
        }
    ),
    st.fixed_dictionaries(
        {},
        optional={
            "schedule": schedules,
            "keep": st.sampled_from(["best", "last"]),
            "patience": st.integers(0, 99),
            "initialization": st.sampled_from(["he", "glorot", "normal"]),
            "normalize": st.sampled_from(["unit", "standard"]),
            "label_smoothing": shares,
            "class_weights": st.sampled_from(["none", "auto"]) | st.dictionaries(names, rates),
            "augment": st.fixed_dictionaries({}, optional=AUGMENT),
            "seed": st.integers(0, 2**63 - 1),
        },
    ),
)


@given(recipes)
def test_a_recipe_goes_through_toml_and_json_unchanged(recipe: Recipe) -> None:
    assert Recipe.parse(tomllib.loads(recipe.to_toml()), "toml") == recipe
    assert Recipe.parse(json.loads(recipe.model_dump_json()), "json") == recipe
    assert Recipe.parse(json.loads(json.dumps(recipe.model_dump(mode="json"))), "run.json") == recipe


def test_the_recipes_of_that_test_have_every_field_of_augment() -> None:
    assert AUGMENT.keys() == Augment.model_fields.keys()
    assert PEN.keys() == Pen.model_fields.keys()


def test_toml_names_every_field_that_has_a_value_defaults_too() -> None:
    values = tomllib.loads(Recipe.parse(PLAIN, "p").to_toml())
    assert set(values) == set(Recipe.model_fields) - {"framing", "backbone"}  # TOML has no null
    assert values["optimizer"] == {
        "name": "adam",
        "learning_rate": 0.001,
        "beta1": 0.9,
        "beta2": 0.999,
        "epsilon": 1e-8,
    }
    assert values["patience"] == 0


def test_a_recipe_cannot_be_changed_in_place() -> None:
    recipe = Recipe.parse(PLAIN, "p")
    with pytest.raises(Exception, match="frozen"):
        recipe.epochs = 3  # type: ignore[misc]


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"epochs": 0}, "epochs"),
    ({"epochs": -3}, "epochs"),
    ({"epochs": "many"}, "epochs"),
    ({"epochs": 1.5}, "epochs"),
    ({"epochs": None}, "epochs"),
    ({"batch_size": 0}, "batch_size"),
    ({"patience": -1}, "patience"),
    ({"seed": -1}, "seed"),
    ({"seed": 2**63}, "seed"),
    ({"keep": "first"}, "keep"),
    ({"fit_on": "test"}, "fit_on"),
    ({"initialization": "zeros"}, "initialization"),
    ({"normalize": "whiten"}, "normalize"),
    ({"label_smoothing": 1}, "label_smoothing"),
    ({"label_smoothing": -0.1}, "label_smoothing"),
    ({"class_weights": "balanced"}, "class_weights: .*'none', 'auto'"),
    ({"class_weights": 2}, "class_weights: .*'none', 'auto'"),
    ({"class_weights": ["auto"]}, "class_weights: .*'none', 'auto'"),
    ({"class_weights.daisy": 0}, "class_weights: .*'daisy'.* above 0"),
    ({"class_weights.daisy": "auto"}, "class_weights: .*'daisy'.* above 0"),
    ({"class_weights.daisy": True}, "class_weights: .*'daisy'.* above 0"),
    ({"class_weights.daisy": float("nan")}, "class_weights: .*'daisy'.* above 0"),
    ({"class_weights.daisy": float("inf")}, "class_weights: .*'daisy'.* above 0"),
    ({"class_weights": "auto", "class_weights.daisy": 2}, r"class_weights\.daisy"),
    ({"name": 3}, "name"),
    ({"network": "perceptron"}, "network"),
    ({"network": {}}, r"network\.name"),
    ({"network.params": [3]}, r"network\.params"),
    ({"network.hidden": 3}, r"network\.hidden"),
    ({"optimizer.name": "lion"}, r"optimizer.*'lion'.*'adam', 'adamw', 'sgd'"),
    ({"optimizer.learning_rate": 0}, r"optimizer\.learning_rate"),
    ({"optimizer.learning_rate": -0.1}, r"optimizer\.learning_rate"),
    ({"optimizer.learning_rate": float("nan")}, r"optimizer\.learning_rate"),
    ({"optimizer.learning_rate": float("inf")}, r"optimizer\.learning_rate"),
    ({"optimizer.learning_rate": "fast"}, r"optimizer\.learning_rate"),
    ({"optimizer.beta1": 1}, r"optimizer\.beta1"),
    ({"optimizer.beta2": -0.1}, r"optimizer\.beta2"),
    ({"optimizer.epsilon": 0}, r"optimizer\.epsilon"),
    ({"optimizer.momentum": 0.9}, r"optimizer\.momentum"),
    ({"optimizer.name": "adamw", "optimizer.weight_decay": -1}, r"optimizer\.weight_decay"),
    ({"optimizer.name": "sgd", "optimizer.momentum": 1}, r"optimizer\.momentum"),
    ({"optimizer.name": "sgd", "optimizer.nesterov": True}, "optimizer: nesterov .*momentum"),
    ({"schedule.name": "step"}, r"schedule\.name"),
    ({"schedule.warmup": 1}, r"schedule\.warmup"),
    ({"schedule.final": 1.5, "schedule.name": "linear"}, r"schedule\.final"),
    ({"schedule.final": 0.5}, "schedule: final .*'linear' or 'cosine'"),
    ({"augment.rotate": 181}, r"augment\.rotate"),
    ({"augment.rotate": -1}, r"augment\.rotate"),
    ({"augment.translate": 1}, r"augment\.translate"),
    ({"augment.scale": 1}, r"augment\.scale"),
    ({"augment.shear": 90}, r"augment\.shear"),
    ({"augment.flip": "sideways"}, r"augment\.flip"),
    ({"augment.rotation": 3}, r"augment\.rotation"),
    ({"epoch": 3}, "epoch"),
    ({"fit_on": "train+validation"}, "keep = 'last' and patience = 0"),
    ({"fit_on": "train+validation", "keep": "last", "patience": 2}, "keep = 'last' and patience = 0"),
]


@pytest.mark.parametrize(("changes", "words"), WRONG, ids=[str(changes) for changes, _ in WRONG])
def test_every_wrong_value_is_refused_by_its_field(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        Recipe.parse(PLAIN, "plain").override(changes)


@pytest.mark.parametrize("field", ["name", "network", "optimizer", "batch_size", "epochs"])
def test_what_a_recipe_must_say_is_asked_for(field: str) -> None:
    with pytest.raises(RecipeError, match=rf"recipe mine\.toml: {field}: "):
        Recipe.parse({key: value for key, value in PLAIN.items() if key != field}, "mine.toml")


def test_all_problems_are_named_at_once() -> None:
    with pytest.raises(RecipeError, match=r"batch_size.*; .*epochs"):
        Recipe.parse(PLAIN | {"batch_size": 0, "epochs": 0}, "p")


def test_yes_numbers_and_text_do_not_stand_for_each_other() -> None:
    recipe = Recipe.parse(PLAIN, "p")
    wrong: dict[str, Any] = {"epochs": True, "label_smoothing": False, "optimizer.beta1": False, "augment.rotate": "3"}
    wrong |= {"augment.flip": 1, "batch_size": "100", "seed": 3.0}
    for field, value in wrong.items():
        with pytest.raises(RecipeError, match=rf"{field}: .*{value!r}"):
            recipe.override({field: value})
    assert recipe.override({"augment.rotate": 3}).augment.rotate == 3.0


def test_override_reaches_any_field_and_leaves_the_others() -> None:
    recipe = Recipe.parse(PLAIN, "p")
    changed = recipe.override(
        {"epochs": 30, "augment.rotate": 10, "network.params.hidden": [64], "optimizer.learning_rate": 0.1}
    )
    assert (changed.epochs, changed.augment.rotate, changed.augment.scale) == (30, 10, 0)
    assert changed.architecture.params == {"hidden": [64]}
    assert (changed.optimizer.name, changed.optimizer.learning_rate) == ("adam", 0.1)
    assert (changed.batch_size, changed.seed) == (100, 0)
    assert recipe == Recipe.parse(PLAIN, "p")
    assert recipe.override({}) == recipe


def test_class_weights_are_set_by_word_or_by_name_whatever_stood_there() -> None:
    recipe = Recipe.parse(PLAIN, "p")
    assert recipe.class_weights == "none"
    named = recipe.override(dict([parse_setting("class_weights.daisy=2"), parse_setting("class_weights.v1.5=0.5")]))
    assert named.class_weights == {"daisy": 2.0, "v1.5": 0.5}  # a class's name may have dots
    assert named.override({"class_weights.daisy": 3}).class_weights == {"daisy": 3.0, "v1.5": 0.5}
    assert named.override({"class_weights": "auto"}).class_weights == "auto"
    assert named.override({"class_weights": "none"}).override({"class_weights.rose": 4}).class_weights == {"rose": 4.0}


def test_override_can_change_the_kind_of_optimiser() -> None:
    recipe = Recipe.parse(PLAIN, "p")
    assert recipe.override({"optimizer.name": "sgd", "optimizer.momentum": 0.9}).optimizer.name == "sgd"
    whole = recipe.override({"optimizer": {"name": "adamw", "learning_rate": 1.0}})
    assert (whole.optimizer.name, whole.optimizer.learning_rate) == ("adamw", 1.0)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"epochs.most": 3}, r"epochs\.most"),
        ({"optimizer": "sgd"}, r"optimizer\.name"),
        ({"schedule": "cosine"}, r"schedule"),
        ({"augment": 3}, r"augment"),
        ({"": 3}, "recipe plain"),
        ({".": 3}, "recipe plain"),
        ({"optimizer.": 3}, r"optimizer\."),
    ],
)
def test_an_override_that_fits_no_field_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        Recipe.parse(PLAIN, "plain").override(changes)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("epochs=30", ("epochs", 30)),
        ("optimizer.learning_rate=1e-3", ("optimizer.learning_rate", 0.001)),
        ("augment.flip=true", ("augment.flip", True)),
        ("keep=last", ("keep", "last")),
        ('keep="last"', ("keep", "last")),
        ("network.params.hidden=[64, 32]", ("network.params.hidden", [64, 32])),
        (" epochs = 30 ", ("epochs", 30)),
        ("name=a=b", ("name", "a=b")),
        ("fit_on=train+validation", ("fit_on", "train+validation")),
        ("schedule={ name = 'cosine' }", ("schedule", {"name": "cosine"})),
    ],
)
def test_a_setting_is_read_as_toml_or_as_plain_text(text: str, wanted: tuple[str, Any]) -> None:
    assert parse_setting(text) == wanted


@pytest.mark.parametrize("text", ["epochs", "=3", "", "  =3", "epochs 3"])
def test_a_setting_without_a_key_or_value_is_refused(text: str) -> None:
    with pytest.raises(RecipeError, match=r"KEY=VALUE.*augment\.rotate=10"):
        parse_setting(text)


@given(st.text())
def test_any_setting_is_read_or_refused(text: str) -> None:
    try:
        key, _ = parse_setting(text)
    except RecipeError:
        return
    assert key


@pytest.mark.parametrize("name", bundled_recipes())
def test_bundled_recipes_open_with_a_comment_and_build_a_network(name: str) -> None:
    assert bundled_recipes()[name].startswith("# ")
    recipe = load_recipe(name)
    assert recipe.name == name
    if isinstance(recipe, Recipe) and recipe.backbone is None:
        assert build_layers(recipe.architecture.name, recipe.architecture.params, 10)


def test_the_recipes_that_the_command_line_counts_on_are_there() -> None:
    assert {"perceptron", "convnet"} <= bundled_recipes().keys()


@pytest.mark.parametrize(("name", "near"), [("perceptrn", "perceptron"), ("conv-net", "convnet")])
def test_a_misspelt_recipe_suggests_the_nearest_and_lists_all(name: str, near: str) -> None:
    with pytest.raises(RecipeError, match=f"'{name}'.*perceptron.*'{near}'"):
        load_recipe(name)


def test_a_name_like_no_other_gets_no_suggestion() -> None:
    with pytest.raises(RecipeError, match=r"'zzz'.*convnet") as caught:
        load_recipe("zzz")
    assert "Did you mean" not in str(caught.value)


def test_a_recipe_file_is_loaded_and_named_after_itself(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        'network = { name = "perceptron" }\noptimizer = { name = "adam", learning_rate = 0.1 }\n'
        "batch_size = 5\nepochs = 2\n"
    )
    assert load_recipe(path).name == "mine"
    again = load_recipe(str(path))
    assert isinstance(again, Recipe)
    assert again.batch_size == 5
    written = load_recipe(path).override({"name": "other"})
    path.write_text(written.to_toml())
    assert load_recipe(path) == written


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"epochs = ", "not TOML"),
        (b"", "optimizer"),
        (b"\xff\xfe", "utf-8"),
        (b"epochs = 3", "optimizer"),
        (b"[[network]]\nname = 'perceptron'", "network"),
        (b"\x80\x04K\x01.", "utf-8"),
    ],
)
def test_a_file_that_is_no_recipe_is_refused_by_name(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(content)
    with pytest.raises(RecipeError, match=rf"mine\.toml.*{words}"):
        load_recipe(path)


def test_a_missing_recipe_file_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"gone\.toml"):
        load_recipe(tmp_path / "gone.toml")
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(RecipeError, match=r"folder\.toml"):
        load_recipe(tmp_path / "folder.toml")
