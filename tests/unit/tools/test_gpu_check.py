"""The check of a GPU, as far as it can be tried without one."""

from __future__ import annotations

import json

import pytest
import torch

from gannet.core.config import parse
from gannet.recipes.registry import find_recipe
from gannet.training.inputs import source_for
from tools.gpu.data import cases, small_data, small_settings
from tools.gpu.findings import Check
from tools.gpu_check import main


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_it_says_so_and_fails_nobody(capsys):
    assert main([]) == 0
    assert capsys.readouterr().out == "not run: no GPU at hand\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("data")


@pytest.mark.parametrize(("name", "kind"), [*cases()])
def test_every_recipe_reads_the_small_data_made_for_it(name, kind, folder):
    recipe = find_recipe(name)
    config = parse(recipe.config, small_settings(recipe))
    data = small_data(recipe, kind, folder)
    if data is None:
        pytest.skip(f"no small {kind} data")
    source = source_for(data, None, name, config, kind=kind)
    assert source.kind == kind
    assert len(source.names) > 100


def test_it_is_rehearsed_on_the_processor(tmp_path, capsys):
    asked = ["--device", "cpu", "--recipe", "generate"]
    assert main([*asked, "--kind", "vector", "--out", str(tmp_path)]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["failures"] == found["not_checked"] == []
    assert found["figures"]["generate-vector steps"]["resumed_apart"] == 0


def test_faults_are_gathered_and_time_is_kept(tmp_path, capsys):
    check = Check("cpu", tmp_path, float("inf"))

    def broken():
        raise ValueError("no such thing")

    check.attempt("first", broken)
    check.attempt("second", lambda: {"ms": 3})
    check.expect(true=False, said="third: not so")
    assert check.failures == ["first: ValueError: no such thing", "third: not so"]
    assert check.figures["second"]["ms"] == 3
    check.until = 0.0
    check.attempt("fourth", broken)
    assert check.not_checked == ["fourth: out of time"]
    assert "no such thing" in capsys.readouterr().err
