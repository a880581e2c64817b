"""What a model file says of itself, as names and values for people. What a card lacks is "not in the file"."""

from __future__ import annotations

from collections.abc import Sequence

from imagewise.data.dataset import split_text
from imagewise.display.formatting import percent
from imagewise.display.lines import counted
from imagewise.framing.framing import describe_size
from imagewise.model.card import CardBackbone, CardData, CardRecipe, ModelCard, Score

NOT_IN_FILE = "not in the file"
DEEPEST_BRANCH = 3  # branches within branches that are written out
MOST_LAYERS = 64  # of which all are named; of more, the first and the last
FIRST_LAYERS, LAST_LAYERS = 3, 2
CLASSES_SHOWN = 20


def facts_of(name: str, card: ModelCard) -> list[tuple[str, str]]:
    """Classes, framing, network, recipe, data, scores and versions of the model file `name`, in this order."""
    scores = [(split, _score_text(score)) for split, score in (card.metrics or {"score": Score()}).items()]
    return [
        ("model", name),
        ("classes", f"{len(card.class_names)}: {_shortened(card.class_names)}"),
        ("framing", f"{card.framing.kind}, {describe_size(card.framing.shape)}"),
        ("network", network_text(card)),
        *(backbone_facts(card.backbone) if card.backbone else []),
        ("recipe", _recipe_text(card.recipe, card.backbone)),
        ("data", card.data.name or NOT_IN_FILE),
        *([("licence", f"of the data: {data_licence(card.data)}")] if card.data.licence else []),
        ("split", split_text(card.data.split_rule or NOT_IN_FILE, card.data.groups)),
        ("SHA-256", card.data.fingerprint or NOT_IN_FILE),
        *scores,
        ("versions", ", ".join(f"{name} {value}" for name, value in card.versions.items()) or NOT_IN_FILE),
        ("created", card.created or NOT_IN_FILE),
    ]


def network_text(card: ModelCard) -> str:
    """The network in one line: `Flatten Dense(256) ReLU Dense(10)`, `EfficientNet-Lite0 (pretrained), Dense(5)`."""
    layers = card.network.get("layers")
    if card.backbone is not None:
        head = layers[-1] if isinstance(layers, list) and layers else {"layer": "Dense", "units": len(card.class_names)}
        return f"{card.backbone.shown_name} (pretrained), {_layer_text(head)}"
    if not isinstance(layers, list):
        return NOT_IN_FILE
    count = _count_layers(layers)
    if count <= MOST_LAYERS:
        return " ".join(map(_layer_text, layers))
    first, last = (" ".join(map(_layer_text, part)) for part in (layers[:FIRST_LAYERS], layers[-LAST_LAYERS:]))
    return f"{count:,} layers: {first} ... {last}"


def backbone_facts(backbone: CardBackbone) -> list[tuple[str, str]]:
    """The pretrained network, the licence of its weights and what to cite."""
    digest = f", digest {backbone.digest[:12]}" if backbone.digest else ""
    source = f", {backbone.source}" if backbone.source else ""
    return [
        ("backbone", f"{backbone.name}{digest}{source}"),
        ("licence", f"of the weights: {backbone.licence or NOT_IN_FILE}"),
        *([("citation", backbone.citation)] if backbone.citation else []),
    ]


def data_licence(data: CardData) -> str:
    """Licence and authors of the pictures."""
    return f"{data.licence or NOT_IN_FILE}; {data.attribution or 'author not in the file'}"


def accuracy_text(accuracy: float, interval: Sequence[float], count: int) -> str:
    """`97.95% (95% interval 97.65% to 98.21%, 10,000 pictures)`."""
    low, high = (percent(bound, count) for bound in interval)
    return f"{percent(accuracy, count)} (95% interval {low} to {high}, {counted(count, 'picture')})"


def _shortened(names: Sequence[str]) -> str:
    """The first names and the number of those left out."""
    rest = len(names) - CLASSES_SHOWN
    return ", ".join(names[:CLASSES_SHOWN]) + (f" and {rest:,} more" if rest > 0 else "")


def _recipe_text(recipe: CardRecipe, backbone: CardBackbone | None) -> str:
    """`quick, 2 epochs, seed 0`; a head on the features of a backbone has no epochs."""
    if recipe == CardRecipe():
        return NOT_IN_FILE
    without = [] if backbone else [f"epochs {NOT_IN_FILE}"]
    return ", ".join(
        [
            recipe.name or NOT_IN_FILE,
            *(without if recipe.epochs is None else [counted(recipe.epochs, "epoch")]),
            f"seed {NOT_IN_FILE if recipe.seed is None else recipe.seed}",
        ]
    )


def _score_text(score: Score) -> str:
    """The accuracy with its interval and count as far as they are there."""
    if score.accuracy is None:
        return NOT_IN_FILE
    if score.accuracy_interval is None or score.count is None:
        return f"{percent(score.accuracy, score.count or 0)} (interval {NOT_IN_FILE})"
    return accuracy_text(score.accuracy, score.accuracy_interval, score.count)


def _count_layers(layers: Sequence[object], depth: int = 0) -> int:
    """Layers with those in branches, down to `DEEPEST_BRANCH`."""
    count = 0
    for layer in layers:
        match layer:
            case {"layer": "Branch", "body": list(body), "shortcut": list(shortcut)} if depth < DEEPEST_BRANCH:
                count += _count_layers(body, depth + 1) + _count_layers(shortcut, depth + 1)
            case _:
                count += 1
    return count


def _layer_text(layer: object, depth: int = 0) -> str:
    """`Conv(32, 3x3)`, `Dense(256)`, `Branch(add: ...)`: enough to recognise an architecture."""
    match layer:
        case {"layer": "Dense", "units": units}:
            return f"Dense({units})"
        case {"layer": "Conv", "filters": filters, "kernel": kernel}:
            return f"Conv({filters}, {kernel}x{kernel})"
        case {"layer": "Branch", "merge": merge, "body": list(body), "shortcut": list(shortcut)}:
            if depth == DEEPEST_BRANCH:
                return f"Branch({merge}: ...)"
            ways = (" ".join(_layer_text(part, depth + 1) for part in way) or "identity" for way in (body, shortcut))
            return f"Branch({merge}: {' | '.join(ways)})"
        case {"layer": str(kind)}:
            return kind
    return f"({NOT_IN_FILE})"
