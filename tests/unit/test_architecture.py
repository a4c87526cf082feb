"""The house: a loose file is ground, every stage has one room, and nothing imports upward.

The same table stands in docs/developing.md.
"""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = ROOT / "bin" / "accessiflow"

# From the ground up; a room may import the ground, and rooms that stand before it.
FLOORS = {
    "ground": (
        "errors",
        "log",
        "files",
        "hdf5",
        "statistics",
        "bootstrap",
        "restart",
        "results",
        "genome",
        "genes",
        "intervals",
        "motifs",
        "sheets",
        "cli",
    ),
    "signal": ("signal", "peaks", "dataset"),
    "models": ("model", "training", "prediction"),
    "variants": ("variants", "scoring", "interpretation"),
    "analyses": ("evaluation", "heritability", "eqtl", "imbalance", "qtl"),
    "report": ("report",),
}
# They may import every floor up to the one named; no room imports them.
BESIDE = {"simulate": "signal", "preflight": "variants"}
ROOMS = [room for floor, rooms in FLOORS.items() if floor != "ground" for room in rooms]


class Import(NamedTuple):
    """A line of a file of the library that imports from the library."""

    file: str
    module: tuple[str, ...]
    name: str


def modules() -> dict[tuple[str, ...], Path]:
    """Every module of the library by its dotted parts; a package by those of its folder."""
    found = {}
    for path in sorted(LIBRARY.rglob("*.py")):
        parts = path.relative_to(LIBRARY).with_suffix("").parts
        found[parts[:-1] if parts[-1] == "__init__" else parts] = path
    return found


MODULES = modules()


def imports(path: Path) -> Iterator[Import]:
    """What a file imports from the library, at any depth; a module that is imported by its package counts as itself."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "accessiflow":
            parts = tuple((node.module or "").split(".")[1:])
            for alias in node.names:
                inner = (*parts, alias.name)
                yield Import(str(path.relative_to(ROOT)), *((inner, "") if inner in MODULES else (parts, alias.name)))
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "accessiflow":
                    yield Import(str(path.relative_to(ROOT)), tuple(alias.name.split(".")[1:]), "")


def room(module: tuple[str, ...]) -> str:
    """The room of a module: its first folder, or the ground."""
    return module[0] if module and (LIBRARY / module[0]).is_dir() else "ground"


def test_every_loose_file_is_ground_and_every_folder_a_room() -> None:
    loose = {path.stem for path in LIBRARY.glob("*.py")} - {"__init__"}
    folders = {path.parent.relative_to(LIBRARY).parts[0] for path in LIBRARY.glob("*/**/*.py")}
    assert loose == set(FLOORS["ground"])
    assert folders == {*ROOMS, *BESIDE}


def test_nothing_imports_upward() -> None:
    upward = []
    for module, path in MODULES.items():
        own = room(module)
        if own == "ground":
            allowed = {"ground"}
        elif own in BESIDE:
            floors = list(FLOORS)
            allowed = {
                "ground",
                own,
                *(r for floor in floors[1 : floors.index(BESIDE[own]) + 1] for r in FLOORS[floor]),
            }
        else:
            allowed = {"ground", *ROOMS[: ROOMS.index(own) + 1]}
        upward += [(found.file, ".".join(found.module)) for found in imports(path) if room(found.module) not in allowed]
    assert upward == []


def test_no_circle_of_modules() -> None:
    arrows: dict[tuple[str, ...], set[tuple[str, ...]]] = defaultdict(set)
    for module, path in MODULES.items():
        arrows[module] |= {found.module for found in imports(path)} - {module, ()}
    done: set[tuple[str, ...]] = set()

    def visit(module: tuple[str, ...], above: tuple[tuple[str, ...], ...]) -> None:
        assert module not in above, " -> ".join(".".join(m) for m in (*above, module))
        if module not in done:
            for target in sorted(arrows[module]):
                visit(target, (*above, module))
            done.add(module)

    for module in sorted(MODULES):
        visit(module, ())


def test_typer_is_for_scripts_and_cli_alone() -> None:
    """The library can be imported where Typer is not."""
    users = {path.relative_to(LIBRARY).as_posix() for path in MODULES.values() if "typer" in _third_parties(path)}
    assert users == {"cli.py"}
    shells = [found for path in MODULES.values() for found in imports(path) if found.module == ("cli",)]
    assert shells == []


def test_no_private_name_leaves_its_module() -> None:
    files = [*MODULES.values(), *(ROOT / "bin").glob("*.py")]
    taken = [
        (i.file, ".".join(i.module), i.name)
        for path in files
        for i in imports(path)
        if i.name.startswith("_") and i.name != "__version__"
    ]
    taken += [(str(path.relative_to(ROOT)), name) for path in files for name in _private_attributes(path)]
    assert taken == []


def public_names(path: Path) -> set[str]:
    """Classes, upper-case constants and type aliases that a module defines at its top."""
    names = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {name.id for target in node.targets for name in ast.walk(target) if isinstance(name, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
    return {name for name in names if name[0].isupper()}


def test_no_class_or_constant_of_one_name_in_two_rooms() -> None:
    rooms: dict[str, set[str]] = defaultdict(set)
    for module, path in MODULES.items():
        for name in public_names(path):
            rooms[name].add(room(module))
    shared = {name: sorted(found) for name, found in rooms.items() if len(found) > 1}
    assert shared == {}


def test_scripts_load_nothing_heavy_before_a_command_runs() -> None:
    """`--help` answers at once.

    What a script imports, and what that imports in turn, is of the standard library or Typer.
    """
    heavy = [
        (path.name, name)
        for path in sorted((ROOT / "bin").glob("*.py"))
        for name in sorted(_loaded_at_once(path))
        if name != "typer"
    ]
    assert heavy == []


def test_the_docs_show_this_table() -> None:
    text = (ROOT / "docs" / "developing.md").read_text()
    for floor, rooms in FLOORS.items():
        cells = ", ".join(f"`{name}`" if floor == "ground" else f"`{name}/`" for name in rooms)
        assert f"| {floor} | {cells} |" in text
    assert diagram() in text


def diagram() -> str:
    """The picture of docs/developing.md.

    Rooms by floor, and which room imports which (the ground, which all import, is left out).
    """
    arrows = {(room(m), room(i.module)) for m, path in MODULES.items() for i in imports(path)}
    lines = ["```mermaid", "flowchart BT"]
    for floor, rooms in FLOORS.items():
        inner = ["ground"] if floor == "ground" else list(rooms)
        lines += [f"    subgraph floor_{floor} [{floor}]", *(f"        {name}" for name in inner), "    end"]
    lines += [f"    {name}" for name in BESIDE]
    lines += [f"    {a} --> {b}" for a, b in sorted(arrows) if b not in {a, "ground"}]
    return "\n".join([*lines, "```"])


def _third_parties(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").split(".")[0])
    return found


def _loaded_at_once(path: Path) -> set[str]:
    """Third-party packages that a file imports outside its functions, itself or through modules of the library."""
    found, seen, left = set(), set(), [path]
    while left:
        for name in _names_at_once(left.pop()):
            top, *inner = name.split(".")
            if top != "accessiflow":
                found.add(top)
                continue
            packages = {tuple(inner[:end]) for end in range(len(inner) + 1)} & MODULES.keys()
            left += [MODULES[module] for module in packages - seen]
            seen |= packages
    return found - set(sys.stdlib_module_names)


def _names_at_once(path: Path) -> Iterator[str]:
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _private_attributes(path: Path) -> list[str]:
    """Uses of `module._name` of a module of the library that the file imports."""
    tree = ast.parse(path.read_text())
    known = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "accessiflow"
        for alias in node.names
        if (*(node.module or "").split(".")[1:], alias.name) in MODULES
    }
    return [
        f"{node.value.id}.{node.attr}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id in known
        and node.attr.startswith("_")
    ]
