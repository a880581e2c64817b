"""The rules of the tree, checked on the source: imports go one way, no circles, small files, nothing heavy early."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "imagewise"
ORDER = [  # a module imports from its own group and from the groups before it
    {"errors", "atomic", "paths", "cpu", "installing", "naming", "load", "connection"},
    {"fetch", "display"},
    {"framing"},
    {"data"},
    {"networks"},
    {"model"},
    {"backbones"},
    {"evaluation"},
    {"training"},
    {"auditing"},
    {"web"},
    {"export"},
    {"server"},
    {"cli"},
]
FREE = {"", "__main__"}  # imagewise/__init__.py offers the public names, __main__.py starts the command line
HEAVY: Mapping[str, tuple[str, ...]] = {  # and the files that may import it when they are imported
    "torch": ("training/engines/pytorch/",),
    "tensorflow": ("training/engines/tensorflow/",),
    "keras": ("training/engines/tensorflow/", "export/keras.py"),
    "onnx": ("model/onnx_", "backbones/onnx_files/", "export/quantization.py"),
    "onnxruntime": ("export/quantization.py",),
    "matplotlib": (),
    "pyarrow": (),
    "safetensors": (),
    "scipy": (),
    "cleanlab": (),
    "sklearn": (),
    "starlette": ("server/",),
    "uvicorn": ("server/",),
    "prometheus_client": ("server/",),
}
MOST_LINES = 300
MOST_MODULES = 14

# Violations of today, each to be removed by the house. Those that are gone must leave this list.
KNOWN: dict[str, set[str]] = {"up": set(), "circles": set(), "size": set(), "folders": set(), "packages": set()}


@dataclass(frozen=True)
class Import:
    """An import of `target`, a dotted name, in `module`; `eager` if it happens when the module is imported."""

    module: str
    target: str
    eager: bool


def modules_of(source: Path) -> dict[str, Path]:
    """All modules by their names below `imagewise`, "" for the package itself."""
    names = {path: path.relative_to(source).with_suffix("").parts for path in sorted(source.rglob("*.py"))}
    return {".".join(parts[:-1] if parts[-1] == "__init__" else parts): path for path, parts in names.items()}


def imports_of(source: Path) -> list[Import]:
    """All imports, also those in functions and under TYPE_CHECKING, of modules below `imagewise` and of others."""
    modules = modules_of(source)
    return [
        Import(module, target, eager)
        for module, path in modules.items()
        for node, eager in _statements(ast.parse(path.read_text("utf-8")), True)
        for target in _targets(node, module, path, modules)
    ]


def _statements(node: ast.AST, eager: bool) -> Iterator[tuple[ast.AST, bool]]:
    """All nodes, and whether they run when the module is imported."""
    for child in ast.iter_child_nodes(node):
        later = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        typing = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
        yield child, eager
        yield from _statements(child, eager and not later and not typing)


def _targets(node: ast.AST, module: str, path: Path, modules: Mapping[str, Path]) -> Iterator[str]:
    match node:
        case ast.Import():
            yield from (alias.name for alias in node.names)
        case ast.ImportFrom(level=0, module="imagewise", names=[ast.alias(name="__version__")]):
            pass  # a constant, which draws no module in
        case ast.ImportFrom(level=0, module=str(name)):
            yield from (_longest(name, alias.name, modules) for alias in node.names)
        case ast.ImportFrom():  # relative: from the package that the module is in, or one above it
            package = ["imagewise", *module.split(".")][: None if path.stem == "__init__" else -1]
            above = package[: len(package) - node.level + 1]
            name = ".".join([*above, *filter(None, [node.module])])
            yield from (_longest(name, alias.name, modules) for alias in node.names)
        case ast.Call(func=ast.Name(id="import_module") | ast.Attribute(attr="import_module"), args=[first, *_]):
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield first.value


def _longest(name: str, imported: str, modules: Mapping[str, Path]) -> str:
    """`name.imported` if that is a module of ours, else `name`."""
    longer = f"{name}.{imported}"
    return longer if longer.removeprefix("imagewise.") in modules else name


def own(imports: Iterable[Import]) -> Iterator[tuple[str, str]]:
    """Importing and imported module, of those below `imagewise`."""
    for each in imports:
        if each.target == "imagewise" or each.target.startswith("imagewise."):
            yield each.module, each.target.removeprefix("imagewise").removeprefix(".")


def group(module: str) -> str:
    return module.partition(".")[0]


def imports_up(source: Path) -> set[str]:
    rank = {name: number for number, names in enumerate(ORDER) for name in names}
    unknown = {group(module) for module in modules_of(source)} - rank.keys() - FREE
    assert not unknown, f"give these a place in ORDER: {unknown}"
    return {
        f"{module} imports {target or 'imagewise'}"
        for module, target in own(imports_of(source))
        if group(module) not in FREE and (group(target) in FREE or rank[group(target)] > rank[group(module)])
    }


def circles(source: Path) -> set[str]:
    """Groups of modules that import each other, directly or through others (Warshall's transitive closure)."""
    reach: dict[str, set[str]] = {module: set() for module in modules_of(source)}
    for module, target in own(imports_of(source)):
        reach[module].add(target)
    for middle in reach:
        for others in reach.values():
            if middle in others:
                others |= reach[middle]
    together = {frozenset(other for other in reach[module] if module in reach.get(other, ())) for module in reach}
    return {" <> ".join(sorted(names)) for names in together if names}


def too_long(source: Path) -> set[str]:
    return {name for name, path in modules_of(source).items() if len(path.read_text("utf-8").splitlines()) > MOST_LINES}


def too_full(source: Path) -> set[str]:
    counts: dict[Path, int] = {}
    for path in modules_of(source).values():
        counts[path.parent] = counts.get(path.parent, 0) + (path.stem != "__init__")
    return {str(folder.relative_to(source)) for folder, count in counts.items() if count > MOST_MODULES}


def packages_with_code(source: Path) -> set[str]:
    return {
        name for name, path in modules_of(source).items() if name and path.stem == "__init__" and path.stat().st_size
    }


def heavy_imports(source: Path) -> set[str]:
    paths = {name: path.relative_to(source).as_posix() for name, path in modules_of(source).items()}
    return {
        f"{each.module} imports {name}"
        for each in imports_of(source)
        if each.eager and (name := group(each.target)) in HEAVY and not paths[each.module].startswith(HEAVY[name])
    }


def only_known(found: set[str], known: set[str]) -> None:
    assert not found - known, f"violations: {sorted(found - known)}"
    assert not known - found, f"no longer violations, remove them from KNOWN: {sorted(known - found)}"


# ---- the tree


def test_imports_go_one_way() -> None:
    only_known(imports_up(SOURCE), KNOWN["up"])


def test_no_modules_import_each_other_in_a_circle() -> None:
    only_known(circles(SOURCE), KNOWN["circles"])


def test_no_module_is_long() -> None:
    only_known(too_long(SOURCE), KNOWN["size"])


def test_no_folder_is_full() -> None:
    only_known(too_full(SOURCE), KNOWN["folders"])


def test_packages_are_empty() -> None:
    only_known(packages_with_code(SOURCE), KNOWN["packages"])


def test_no_module_is_a_heap_of_utilities() -> None:
    assert not {name for name in modules_of(SOURCE) if name.rpartition(".")[2] in ("utils", "util", "helpers", "misc")}


def test_nothing_heavy_is_imported_until_it_is_used() -> None:
    assert heavy_imports(SOURCE) == set()


# ---- the rules see what they should


def tree(folder: Path, **files: str) -> Path:
    """A source tree; `data__loading` is data/loading.py."""
    for name, text in files.items():
        path = folder.joinpath(*name.split("__")).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        (path.parent / "__init__.py").touch()
        path.write_text(text)
    return folder


@pytest.mark.parametrize(
    "statement",
    [
        "from imagewise.cli.app import main",
        "from imagewise.cli import app",
        "import imagewise.cli.app",
        "from ..cli import app",
        "def later():\n    from imagewise.cli.app import main",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from imagewise.cli.app import main",
        "try:\n    import imagewise.cli.app\nexcept ImportError:\n    pass",
        "import importlib\nimportlib.import_module('imagewise.cli.app')",
    ],
)
def test_an_import_that_runs_up_is_seen_wherever_it_is(tmp_path: Path, statement: str) -> None:
    source = tree(tmp_path, data__loading=statement, cli__app="import imagewise.data.loading\nimport imagewise.errors")
    assert imports_up(source) == {"data.loading imports cli.app"}


def test_the_public_package_is_above_all_modules(tmp_path: Path) -> None:
    source = tree(tmp_path, cli__app="from imagewise import train", cli__console="from imagewise import __version__")
    assert imports_up(source) == {"cli.app imports imagewise"}


def test_a_package_without_a_place_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="place in ORDER"):
        imports_up(tree(tmp_path, novel__thing=""))


def test_a_circle_is_seen_through_other_modules(tmp_path: Path) -> None:
    lazily = "def later():\n    import imagewise.data."
    source = tree(tmp_path, data__a="import imagewise.data.b", data__b=f"{lazily}c", data__c=f"{lazily}a", data__d="")
    assert circles(source) == {"data.a <> data.b <> data.c"}


def test_long_modules_full_folders_and_packages_with_code_are_seen(tmp_path: Path) -> None:
    assert too_long(tree(tmp_path, data__a="\n" * 301, data__b="\n" * 300)) == {"data.a"}
    assert too_full(tree(tmp_path, **{f"model__m{n}": "" for n in range(15)})) == {"model"}
    (tmp_path / "data" / "__init__.py").write_text("x = 1\n")
    (tmp_path / "__init__.py").write_text("x = 1\n")
    assert packages_with_code(tmp_path) == {"data"}


def test_a_heavy_import_is_seen_where_it_is_not_meant(tmp_path: Path) -> None:
    lazily = "def later():\n    import torch\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import onnx\n"
    source = tree(
        tmp_path,
        training__engines__pytorch__engine="import torch",
        training__run=lazily,
        model__card="class A:\n    from onnx import helper",
    )
    assert heavy_imports(source) == {"model.card imports onnx"}


def test_a_violation_that_is_gone_must_leave_the_list() -> None:
    only_known({"a"}, {"a"})
    for found, known in (({"a", "b"}, {"a"}), ({"a"}, {"a", "b"})):
        with pytest.raises(AssertionError):
            only_known(found, known)
