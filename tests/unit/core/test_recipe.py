"""What a recipe says of its data is used by plan, health and artefact; defaults change nothing."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from gannet.core.errors import ConfigError, DataError
from gannet.core.frame import Frame, cells_of
from gannet.core.types import Batch, Condition, Spec, TableLayout
from gannet.data.dataset import find, load, of_memory
from gannet.modalities.table.codec import TableCodec
from gannet.recipes.registry import find_recipe
from gannet.training.monitor import Monitor, thresholds_for
from gannet.training.plan import PreparedData, make_plan
from gannet.training.trainer import Trainer

TABLE, GENERATE = find_recipe("table"), find_recipe("generate")


def plan(path, recipe, codec=None, **given):
    source = find(path, kinds=["table"] if recipe == "table" else ["image", "vector"])
    found = load(source, {"sample": codec or TableCodec.fit_frames(source.frames)})
    return make_plan(
        PreparedData(found, minutes=0),
        recipe=recipe,
        given={"steps": 5, "width": 8, "threads": 1} | given,
        seed=0,
        auto_adjust=True,
        device="cpu",
    )


def test_choices_for_rows_of_numbers_are_not_made_for_tables(people):
    made = plan(people, "table")
    defaults = TABLE.config()
    for name in ("learning_rate_end", "gradient_penalty", "gradient_penalty_end"):
        assert made.config[name] == getattr(defaults, name), name
    assert made.config["cosine_features"] == 6, "few rows"
    assert made.config["learning_rate"] < defaults.learning_rate
    fields = made.spec.table.cardinalities
    assert made.config["latent_dim"] == len(fields) + fields.count(0), "chance for each field"
    assert made.config["batch"] <= 300
    assert plan(people, "table", latent_dim=3).config["latent_dim"] == 3, "what was given stays"


@pytest.mark.parametrize(
    ("rows", "ordered", "shared"),
    [(300, (1, -1), True), (3_000, (1, -1), False), (300, (-1, -1), False)],
)
def test_waves_are_shared_where_rows_are_few_and_values_ordered(rows, ordered, shared):
    real = torch.zeros(10, 2)
    some = Batch(real, Condition.none(real), TableLayout((40, 3), (-1, -1), ordered))
    chosen = {name for _, settings in TABLE.training.suggest(some, rows) for name in settings}
    assert ("cosine_features" in chosen) == shared


def test_sizes_are_read_off_prepared_rows(people):
    spec = plan(people, "table").spec
    assert spec.vector == 2 * len(spec.table.cardinalities) == 2 * spec.shape[0]


def test_blank_conditions_have_the_sizes_of_the_spec():
    told = Spec((1, 8, 8), vector=3, grid=(2, 8, 8), tokens=(4, 5)).blank(6)
    assert (told.vector.shape, told.grid.shape, told.tokens.shape) == (
        (6, 3),
        (6, 2, 8, 8),
        (6, 4, 5),
    )
    assert not told.vector.any()


def test_reals_are_judged_with_nothing_told_of_what_prepare_makes():
    real = torch.zeros(4, 3)
    told = replace(Condition.none(real), vector=torch.ones(4, 2))
    spec = Spec((3,), vector=6, table=TableLayout((2, 2, 2)))
    assert TABLE.with_evaluation_condition(Batch(real, told), spec).condition.vector.shape == (4, 6)
    assert torch.equal(
        GENERATE.with_evaluation_condition(Batch(real, told), spec).condition.vector, told.vector
    )


def test_the_view_of_a_table_counts_fields_that_differ():
    spec = Spec((4,), table=TableLayout((50, 50, 50, 0)))
    rows = torch.tensor([[1, 2, 3, 0.1], [1, 2, 3, 0.11], [40, 2, 3, 0.1], [40, 20, 30, 0.9]])
    seen = TABLE.evaluation.embed(rows, spec)
    apart = torch.cdist(seen, seen)[0]
    assert apart[1] == 0, "the same slice"
    assert apart[2] == pytest.approx(math.sqrt(2), rel=0.3)
    assert apart[3] == pytest.approx(math.sqrt(8), rel=0.3)
    assert torch.equal(seen, TABLE.evaluation.embed(rows, spec)), "asked twice, the same"
    assert GENERATE.evaluation.embed(rows, spec) is rows


def test_a_recipe_that_cannot_be_asked_says_so():
    with pytest.raises(ConfigError, match="cannot be conditioned"):
        GENERATE.inference.condition_on(
            torch.nn.Identity(), Spec((3,)), [], torch.zeros(1, 1), GENERATE.config()
        )


def test_verdicts_do_not_hang_on_a_discriminator_that_nobody_hears():
    quiet = thresholds_for(TABLE, TABLE.config(), near_copies=False)
    heard = thresholds_for(TABLE, TABLE.config(adversarial_weight=0.5), near_copies=False)
    vae = find_recipe("vae")
    assert quiet.min_auc == 0
    assert thresholds_for(vae, vae.config()).discriminator_saturated == math.inf, (
        "a baseline listens to nobody"
    )
    assert quiet.max_auc_gap == math.inf
    assert quiet.min_progress_converged == 1
    assert quiet.min_diversity == heard.min_diversity
    assert heard.min_auc > 0


def test_equal_rows_among_reals_do_not_look_like_collapse():
    rng = torch.Generator().manual_seed(0)
    real = torch.randint(2, (200, 2), generator=rng).float()
    batch = Batch(real, Condition.none(real))
    trainer = Trainer(GENERATE, GENERATE.config(width=4, latent_dim=4, batch=8), Spec.of(batch))
    found = Monitor(batch, batch[:100], lambda rows: rows, seed=0).measure(trainer)
    assert found.nn_diversity == 1


# -- data ----------------------------------------------------------------------------------------


def test_few_different_rows_are_chance_and_split_one_by_one():
    rows = 400
    made = np.arange(rows) % 4
    frame = Frame(("a", "b"), (made % 2, made // 2))
    found = load(of_memory(frame), {"sample": TableCodec.fit_frame(frame)})
    kinds = {tuple(row) for row in found.train.take(range(len(found.train))).real.tolist()}
    assert len(kinds) == 4, "no kind of row is kept from training"
    assert len(found.held_out) >= 64


def test_copies_in_a_table_stay_on_one_side():
    rng = np.random.default_rng(1)
    numbers = rng.normal(size=300).round(6)
    numbers[:10] = numbers[10:20]
    frame = Frame(("a",), (numbers,))
    found = load(of_memory(frame), {"sample": TableCodec.fit_frame(frame)})
    held = set(found.held_out.indices.tolist())
    assert all((at in held) == (at + 10 in held) for at in range(10))
    assert any(at in held for at in range(20)), "by this seed"


def is_table(path):
    try:
        return find(path).kind == "table"
    except DataError:
        return False


@pytest.mark.parametrize(
    ("name", "text", "table"),
    [
        ("a.csv", "x,y\n1,2\n", True),
        ("a.jsonl", '{"x": 1}\n', True),
        ("a.npy", "", False),
    ],
)
def test_what_is_a_table(tmp_path, name, text, table):
    (tmp_path / name).write_text(text)
    assert is_table(tmp_path / name) is table
    assert is_table(tmp_path) is table, "alone in a folder"
    (tmp_path / "readme.txt").write_text("about")
    assert is_table(tmp_path) is table
    (tmp_path / "b.png").write_bytes(b"")
    assert is_table(tmp_path) is table, "one picture, such as a logo, is no data set"
    (tmp_path / "c.png").write_bytes(b"")
    assert not is_table(tmp_path), "pictures beside it"


def test_a_table_without_a_column_to_learn_is_refused():
    frame = Frame(("a",), (cells_of(["x"] * 20),))
    with pytest.raises(DataError, match="no column that can be learnt"):
        load(of_memory(frame), {"sample": TableCodec.fit_frame(frame)})
