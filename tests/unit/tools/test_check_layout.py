"""Of each rule of the layout there is a small tree that breaks it, and is caught."""

from __future__ import annotations

import pytest

from tools.check_layout import MOST_ENTRIES, MOST_FUNCTION_LINES, MOST_LINES, breaches, main

SETTINGS = """
[[tool.importlinter.contracts]]
type = "layers"
layers = ["__main__", "cli", "data | recipes"]
"""


def write(root, **files):
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("_py", ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture
def root(tmp_path):
    """A project in order."""
    (tmp_path / "pyproject.toml").write_text(SETTINGS)
    write(
        tmp_path / "src" / "gannet",
        cli_py="class Command: ...",
        data__split_py="class Rows: ...",
        data__find_py="Pixels = list[int]",
        recipes__table_py="MOST = 3",
    )
    (tmp_path / "src/gannet/__main__.py").touch()
    (tmp_path / "src/gannet/py.typed").touch()
    write(tmp_path / "tests" / "unit", data__test_split_py="", test_data_py="")
    write(tmp_path / "tools", check_it_py="")
    write(tmp_path / "tests" / "unit", tools__test_check_it_py="")
    return tmp_path


def test_a_project_in_order_passes(root, capsys):
    assert list(breaches(root)) == []
    assert main(root) == 0
    assert "0 breaches" in capsys.readouterr().out


def test_a_breach_is_printed_and_fails(root, capsys):
    write(root / "src" / "gannet", data__long_py="\n" * 500)
    assert main(root) == 1
    shown = capsys.readouterr()
    assert "src/gannet/data/long.py: 500 lines, at most 400" in shown.err
    assert "1 breach" in shown.out


def only(root):
    (found,) = breaches(root)
    return found


@pytest.mark.parametrize("folder", ["data", "data/containers"])
def test_a_crowded_folder_is_caught(root, folder):
    for number in range(MOST_ENTRIES + 1):
        write(root / "src" / "gannet" / folder, **{f"m{number}_py": ""})
    assert only(root).startswith(f"src/gannet/{folder}: {15 + 2 * (folder == 'data')} entries")


def test_a_crowded_top_is_caught(root):
    names = [f"m{number}" for number in range(MOST_ENTRIES)]
    write(root / "src" / "gannet", **{f"{name}_py": "" for name in names})
    layers = SETTINGS.replace('"cli"', f'"cli | {" | ".join(names)}"')
    (root / "pyproject.toml").write_text(layers)
    assert only(root) == "src/gannet: 17 entries, at most 14"


def test_there_may_be_as_many_recipes_as_there_are_tasks(root):
    for number in range(MOST_ENTRIES + 1):
        write(root / "src" / "gannet", **{f"recipes__m{number}_py": ""})
    assert list(breaches(root)) == []


def test_a_long_file_is_caught(root):
    write(root / "src" / "gannet", data__split_py="x = 1\n" * (MOST_LINES + 1))
    assert only(root) == "src/gannet/data/split.py: 401 lines, at most 400"


def test_a_long_function_is_caught_with_its_decorators(root):
    lines = MOST_FUNCTION_LINES - 1  # and one decorator, and `def`
    write(root / "src" / "gannet", data__split_py="@one\ndef two():\n" + "    x = 1\n" * lines)
    assert only(root) == "src/gannet/data/split.py:1: two has 61 lines, at most 60"


def test_a_long_method_is_caught(root):
    body = "        x = 1\n" * MOST_FUNCTION_LINES
    write(root / "src" / "gannet", data__split_py=f"class One:\n    async def two():\n{body}")
    assert "split.py:2: two has 61 lines" in only(root)


@pytest.mark.parametrize(
    "text",
    [
        "class Rows: ...",
        "Rows = list[int]",
        "Rows: TypeAlias = list[int]",
    ],
)
def test_two_types_of_one_name_are_caught(root, text):
    write(root / "src" / "gannet", data__find_py=text)
    assert only(root) == (
        "src/gannet/data/find.py:1: 2 types are called Rows: also src/gannet/data/split.py:1"
    )


def test_private_types_and_aliases_of_one_name_are_caught(root):
    write(root / "src" / "gannet", data__a_py="_Found = int", data__b_py="class _Found: ...")
    assert "2 types are called _Found" in only(root)


def test_type_variables_and_constants_may_share_a_name(root):
    write(root / "src" / "gannet", data__a_py="C = T(1)\nMOST = 2", data__b_py="C = T(2)\nMOST = 1")
    assert list(breaches(root)) == []


@pytest.mark.parametrize(
    "place", ["data/test_lost.py", "other/test_split.py", "test_split.py", "tools/test_split.py"]
)
def test_a_test_that_mirrors_nothing_is_caught(root, place):
    path = root / "tests" / "unit" / place
    path.parent.mkdir(exist_ok=True)
    path.touch()
    assert only(root).startswith(f"tests/unit/{place}: no such module or package")


def test_a_folder_that_is_no_layer_is_caught(root):
    write(root / "src" / "gannet", utils__things_py="")
    assert only(root) == "src/gannet/utils: not among the import layers in pyproject.toml"


def test_a_layer_that_is_no_folder_is_caught(root):
    (root / "pyproject.toml").write_text(SETTINGS.replace('"cli"', '"cli", "losses"'))
    assert only(root) == "pyproject.toml: the import layer losses is no entry of src/gannet"
