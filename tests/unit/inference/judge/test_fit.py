"""A judge fitted at the end of a run tells its controls, names strangers and is saved whole."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

import gannet
from gannet.api.model import Model
from gannet.data.containers.frames import read_frame
from gannet.inference.artifact import Artifact
from gannet.inference.calibration import QUANTILES
from gannet.inference.card import JudgeCard
from gannet.inference.judge.fit import ANOTHER, _class_calibration, as_delivered, with_judge
from gannet.inference.judge.judge import Judgment, odds
from gannet.inference.judge.network import ONE_REPLACED, OWN_FAKES, Groups, trained_network
from gannet.inference.judge_files import judge_files
from gannet.modalities.corruption import one_replaced, shuffled_parts
from gannet.networks.tabular.cell_net import CellNet


@pytest.fixture(scope="module")
def judged(of_pictures, loaded):
    """An untrained run on squares, with its judge."""
    return with_judge(of_pictures, loaded, of_pictures.sample(32, seed=9))


def test_it_tells_fakes_baselines_corruptions_and_other_kinds(judged):
    controls = {each.name: each for each in judged.card.judge.controls}
    assert {OWN_FAKES, "earlier fakes", "Gaussian", "blur", "noise", "other kinds"} <= set(controls)
    assert controls[OWN_FAKES].auc > 0.95, "an untrained generator was not told"
    assert controls["other kinds"].detected


def test_held_out_reals_are_no_strangers_and_other_pictures_are(judged, loaded, tmp_path):
    model = Model(judged, tmp_path)
    reals = loaded.held_out.take(range(len(loaded.held_out))).real
    verdicts = judged.judge.judgments(reals)
    assert sum(each.novel for each in verdicts) <= 1
    noise = np.random.default_rng(0).integers(0, 256, (8, 8, 8, 1)).astype(np.uint8)
    assert all(each.novel for each in model.judgments(list(noise)))
    assert all(math.isnan(each) for each in model.judge(list(noise)))


def test_what_is_hardly_beyond_the_limit_is_not_said_to_be_at_it(judged):
    said = judged.judge._judgment("", [1.0003, 0.5, 0.2, 0.1], 0.9)
    assert said.novel
    assert said.reason.endswith("(1.01 times the limit that nearly all reals keep)")


def test_another_size_or_colour_is_a_stranger_by_name(judged, tmp_path):
    model = Model(judged, tmp_path)
    large = np.zeros((64, 64, 1), np.uint8)
    red = np.zeros((8, 8, 3), np.uint8)
    red[2:5, 2:5, 0] = 255
    red[..., 0] += 60
    said = [each.reason for each in model.judgments([large, red])]
    assert said[0].startswith("its width in pixels is 64, in training 8")
    assert "saturation" in said[1]


def test_saved_and_loaded_it_says_the_same(judged, tmp_path):
    judged.save(tmp_path / "run")
    again = Artifact.load(tmp_path / "run")
    samples = judged.sample(6, seed=3)
    pairs = zip(again.judge.judgments(samples), judged.judge.judgments(samples), strict=True)
    for one, other in pairs:
        assert (one.novel, one.reason) == (other.novel, other.reason)
        assert one.probability == pytest.approx(other.probability, abs=1e-5)
    torch.testing.assert_close(again.judge.novelty(samples), judged.judge.novelty(samples))


def test_equal_runs_have_equal_judges(of_pictures, loaded, judged):
    again = with_judge(of_pictures, loaded, of_pictures.sample(32, seed=9))
    # The same up to the last digits: sums of a second call may be taken in another order.
    card, other = again.card.judge, judged.card.judge
    assert card.groups == other.groups
    for one, two in zip(card.controls, other.controls, strict=True):
        assert one.auc == pytest.approx(two.auc, abs=0.02)
    ours, theirs = again.judge.tensors(), judged.judge.tensors()
    assert ours.keys() == theirs.keys()
    samples = judged.sample(6, seed=3)
    torch.testing.assert_close(
        again.judge.log_odds(samples), judged.judge.log_odds(samples), rtol=1e-2, atol=1e-2
    )


class Perfect(torch.nn.Module):
    """A generator that shows held-out reals."""

    def __init__(self, reals):
        super().__init__()
        self.reals = torch.nn.Parameter(reals, requires_grad=False)

    def forward(self, noise, condition):
        return self.reals[(noise[:, 0] * 1e4).long().abs() % len(self.reals)]


def test_fakes_that_are_reals_are_said_to_be_untold(of_pictures, loaded, tmp_path):
    reals = loaded.train.take(range(len(loaded.train))).real
    perfect = with_judge(replace(of_pictures, model=Perfect(reals)), loaded)
    control = next(each for each in perfect.card.judge.controls if each.name == OWN_FAKES)
    assert control.auc < 0.7
    if control.detected:
        pytest.skip("chance told them")
    np.save(tmp_path / "x.npy", np.zeros(1))
    model = Model(perfect, tmp_path)
    codec = perfect.codecs["sample"]
    codec.write(codec.decode(reals[:1])[0], tmp_path / "a.png")
    words = judge_files(model.artifact, [tmp_path / "a.png"], label=None, json=False)
    assert "cannot tell own fakes from reals" in words


def test_a_blind_judge_gives_no_probability(judged):
    blind = judged.card.judge.model_copy(update={"detected": ()})
    judge = type(judged.judge)(blind, judged.judge.network, judged.judge.novelty)
    verdicts = judge.judgments(judged.sample(3, seed=1))
    assert all(each.probability is None for each in verdicts)
    assert {each.reason for each in verdicts if not each.novel} <= {blind.blind}
    assert "cannot tell own fakes" in blind.blind


def test_too_few_held_out_samples_make_no_judge(of_pictures, loaded):
    few = replace(loaded, held_out=replace(loaded.held_out, indices=loaded.held_out.indices[:5]))
    made = with_judge(of_pictures, few)
    assert made.judge is None
    assert "5 held-out samples are too few" in made.card.judge.missing


def test_a_class_that_is_not_its_own_lowers_the_probability(of_classes, loaded, tmp_path):
    """Squares are cats on the left and dogs on the right."""
    reals = loaded.train.take(range(len(loaded.train))).real
    right = (reals[:, 0, :, 4:].sum((1, 2)) > reals[:, 0, :, :4].sum((1, 2))).long().numpy()
    held = loaded.held_out.take(range(len(loaded.held_out))).real
    also = (held[:, 0, :, 4:].sum((1, 2)) > held[:, 0, :, :4].sum((1, 2))).long().numpy()
    sides = replace(
        loaded,
        train=replace(loaded.train, labels=right),
        held_out=replace(loaded.held_out, labels=also),
    )
    made = with_judge(of_classes, sides)
    control = next(each for each in made.card.judge.controls if each.name == ANOTHER)
    assert control.auc > 0.9
    ours = made.judge.log_odds(held, torch.from_numpy(also))
    theirs = made.judge.log_odds(held, 1 - torch.from_numpy(also))
    assert (ours > theirs).float().mean() > 0.85
    image = tmp_path / "held.png"
    made.codecs["sample"].write(made.codecs["sample"].decode(held[:1])[0], image)
    of_class = judge_files(made, [image], label="cat", json=False)
    assert "under their own class" in of_class
    assert "fakes of this generator under the class asked for" in of_class
    assert "fakes of this generator" in judge_files(made, [image], label=None, json=False)

    scale = made.card.judge.class_calibration
    assert scale.other == pytest.approx(_at_quantiles(theirs, scale), abs=0.05)
    assert max(scale.fake[2], scale.other[2]) < 0.3 < 0.7 < scale.real[2]
    fakes = as_delivered(made, made.sample(40, seed=5, label="cat"))
    of_cats = made.judge.log_odds(fakes, torch.zeros(40, dtype=torch.int64))
    assert _at_quantiles(of_cats, scale)[2] < 0.3, "a fake passes for a real of its class"


def _at_quantiles(odds, scale):
    probabilities = (odds * scale.weight + scale.bias).sigmoid()
    return probabilities.quantile(torch.tensor(QUANTILES)).tolist()


def test_under_a_class_fakes_count_as_much_as_reals_of_other_classes():
    """Fakes lie between reals of their class and those of others, whom all can tell."""
    rng = torch.Generator().manual_seed(0)
    own, wrong, fake = (torch.randn(400, generator=rng) + middle for middle in (6.0, -20.0, 0.0))
    scale = _class_calibration(own, wrong, fake)
    assert scale.real[2] > 0.9
    assert scale.fake[2] < 0.1, "calibrated against other classes alone, this is 0.95 and more"
    assert scale.other[2] < 0.01
    alone = _class_calibration(own, wrong, fake[:0])
    assert not alone.fake
    assert alone.other[2] < 0.01


def test_rows_that_lost_their_dependence_are_told():
    """Two columns that always agree, against the same columns shuffled."""
    rng = torch.Generator().manual_seed(0)
    cells = torch.randint(0, 6, (600, 1), generator=rng).float().expand(-1, 3).contiguous()
    other = torch.randint(0, 6, (600, 3), generator=rng).float()
    network = trained_network(
        cells,
        torch.full((600,), -1),
        0,
        Groups(other, {}, {"shuffled": shuffled_parts}),
        build=CellNet,
        steps=200,
        seed=0,
    )
    logits = [network(each) for each in (cells[:200], shuffled_parts(cells, rng)[:200])]
    ahead = [each[:, 0] - each[:, 1:].logsumexp(1) for each in logits]
    assert (ahead[0][:, None] > ahead[1]).float().mean() > 0.9


def agreeing(count, rng):
    """Rows in which columns 0 and 1 agree, and column 2 is anything."""
    first = torch.randint(0, 6, (count, 1), generator=rng).float()
    return torch.cat([first, first, torch.randint(0, 6, (count, 1), generator=rng).float()], 1)


def test_a_single_cell_of_another_row_is_told():
    """As a class that was mixed up is: one column of three, in one of the three only."""
    rng = torch.Generator().manual_seed(0)
    real, new = agreeing(600, rng), agreeing(300, rng)
    groups = Groups(torch.rand(600, 3, generator=rng), {}, {}, columns=3)
    assert groups.names == (OWN_FAKES, ONE_REPLACED)
    nobody = torch.full((600,), -1)
    network = trained_network(real, nobody, 0, groups, build=CellNet, steps=250, seed=0, batch=128)
    turned = new.clone()
    turned[:, 1] = (turned[:, 1] + 1) % 6
    ahead = [odds(network(each), 1, [2, 3, 4]) for each in (new, turned)]
    assert (ahead[0][:, None] > ahead[1]).float().mean() > 0.95
    which = network(turned)[:, 2:].argmax(1)
    assert (which < 2).float().mean() > 0.95, "the third column depends on nothing"


@pytest.mark.parametrize("columns", [3, 70])
def test_logits_of_columns_are_few(columns):
    groups = Groups(torch.zeros(40, columns), {}, {}, columns=columns)
    card = JudgeCard(groups=groups.names, sizes=groups.sizes)
    assert groups.logits == 1 + min(columns, 64)
    assert card.logits_of(OWN_FAKES) == [1]
    assert card.logits_of(ONE_REPLACED) == list(range(2, 2 + min(columns, 64)))
    rng = torch.Generator().manual_seed(0)
    real = torch.randint(0, 3, (200, columns), generator=rng).float()
    network = trained_network(
        real, torch.full((200,), -1), 0, groups, build=CellNet, steps=2, seed=0
    )
    assert network(real[:2]).shape == (2, 1 + groups.logits)


def test_replaced_cells_differ_and_are_of_the_same_column():
    rng = torch.Generator().manual_seed(0)
    real = torch.stack([torch.arange(50) % 5, torch.arange(50) % 2 + 10, torch.zeros(50)], 1)
    made, at = one_replaced(real, rng)
    assert len(made) == len(at) < 50, "the third column has nothing to replace"
    assert set(at.tolist()) == {0, 1}
    assert all(
        (row != real).sum(1).min() <= 1 and row[column] in real[:, column]
        for row, column in zip(made, at, strict=True)
    )
    assert torch.equal(one_replaced(real[:, 2:], rng)[0], real[:, 2:])


def test_the_judge_of_a_table_sees_single_cells_and_is_saved(tmp_path):
    rng = np.random.default_rng(0)
    first, last = rng.integers(0, 5, 300), rng.integers(0, 3, 300)
    lines = [f"k{one},v{one},w{three}" for one, three in zip(first, last, strict=True)]
    (tmp_path / "rows.csv").write_text("\n".join(["key,value,other", *lines]))
    session = gannet.prepare(tmp_path / "rows.csv", tmp_path / "run", steps=2, width=16)
    list(session.run())
    made = with_judge(gannet.load(tmp_path / "run").artifact, session.dataset)
    controls = {each.name: each.auc for each in made.card.judge.controls}
    assert made.card.judge.sizes == {ONE_REPLACED: 3}
    assert controls[ONE_REPLACED] > 0.75, "a third of the cells tells nothing"
    made.save(tmp_path / "run")
    saved = gannet.load(tmp_path / "run").artifact
    (tmp_path / "asked.csv").write_text("key,value,other\nk1,v1,w1\nk1,v2,w1\n")
    rows = saved.codecs["sample"].encode_frame(read_frame(tmp_path / "asked.csv"))
    right, wrong = saved.judge.log_odds(rows).tolist()
    assert right > wrong + 1
    assert made.judge.log_odds(rows).tolist() == [right, wrong]


def test_verdicts_are_of_value():
    assert Judgment(0.5) == Judgment(0.5, novel=False, reason="")


def test_fakes_are_judged_as_they_are_delivered(of_pictures):
    """Pixels between two whole numbers would give every fake away, and no file has them."""
    raw = torch.rand(5, *of_pictures.card.spec.shape) * 1.8 - 0.9
    delivered = as_delivered(of_pictures, raw)
    steps = (delivered + 1) * 127.5
    assert (steps - steps.round()).abs().max() < 1e-3
    assert (delivered - raw).abs().max() < 1.01 / 127.5
