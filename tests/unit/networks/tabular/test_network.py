"""Layouts, drawing and filling of table rows."""

from __future__ import annotations

import itertools
from functools import partial

import pytest
import torch

import gannet.networks.tabular.network as layers
from gannet.core.types import Condition, Spec, TableLayout
from gannet.networks.tabular.layout import SLICES, Layout, condition_vector
from gannet.networks.tabular.network import FieldDiscriminator, FieldGenerator
from gannet.networks.tabular.sampling import PrefixCache, fill, uniforms

FIELDS = (3, 5, 0, 2)
SPEC = Spec((4,), vector=8, table=TableLayout(FIELDS))


def rows(count, seed=0):
    rng = torch.Generator().manual_seed(seed)
    cells = [
        torch.randint(size, (count,), generator=rng).float()
        if size
        else torch.rand(count, generator=rng)
        for size in FIELDS
    ]
    return torch.stack(cells, 1)


def given(cells, known):
    blank = Condition.none(cells)
    return Condition(condition_vector(cells, known), blank.grid, blank.tokens)


def network(scale=1.0):
    """A generator whose odds are far from even."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        made = FieldGenerator(SPEC, 16, 2)
        torch.nn.init.normal_(made.output.weight, std=scale / 4)
    return made


def normal(count, width=16, seed=0):
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed))


def test_symbols_and_cells_are_each_others_inverse():
    layout, cells = Layout(FIELDS), rows(50)
    symbols = layout.tokens(cells)
    back = layout.cells(symbols, torch.zeros(50, 1))
    assert torch.equal(back[:, [0, 1, 3]], cells[:, [0, 1, 3]])
    assert ((cells[:, 2] - back[:, 2]) * SLICES < 1).all()
    assert (back[:, 2] <= cells[:, 2]).all()


def test_a_layout_without_positions_has_cells_too():
    layout, tokens = Layout((3, 5)), torch.tensor([[2, 4], [0, 1]])
    assert torch.equal(layout.cells(tokens, torch.zeros(2, 0)), tokens.float())


def test_cells_outside_their_field_count_as_its_ends():
    layout = Layout(FIELDS)
    assert layout.tokens(torch.tensor([[-1.0, 9.0, 1.0, 7.0]])).tolist() == [[0, 4, SLICES - 1, 1]]


def test_an_expanded_row_has_one_symbol_per_field():
    layout = Layout(FIELDS)
    spread = layout.expand(rows(20))
    assert spread.shape == (20, 3 + 5 + SLICES + 2)
    assert torch.equal(spread @ layout.member, torch.ones(20, 4))


def test_surprise_is_the_cross_entropy_of_each_field():
    layout, cells = Layout(FIELDS), rows(30)
    logits = normal(30, layout.width)
    symbols = layout.tokens(cells)
    found = layout.cross_entropy(logits, symbols)
    wanted = [
        torch.nn.functional.cross_entropy(part, symbols[:, at], reduction="none")
        for at, part in enumerate(logits.split(layout.count.tolist(), 1))
    ]
    assert torch.allclose(found, torch.stack(wanted, 1), atol=1e-5)


def test_surprise_stays_finite_at_the_steepest_logits():
    layout = Layout(FIELDS)
    logits = torch.full((1, layout.width), -40.0)
    logits[:, 0] = 40
    symbols = torch.tensor([[2, 0, 0, 0]])
    assert layout.cross_entropy(logits, symbols)[0, 0].item() == pytest.approx(80, abs=1e-3)


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_the_slope_of_surprise_is_that_of_cross_entropy(kind):
    layout, cells = Layout(FIELDS), rows(30)
    symbols, weight = layout.tokens(cells), normal(30, 4, seed=3)
    slopes = []
    for found in (
        lambda logits: layout.cross_entropy(logits, symbols),
        lambda logits: torch.stack(
            [
                torch.nn.functional.cross_entropy(part.float(), symbols[:, at], reduction="none")
                for at, part in enumerate(logits.split(layout.count.tolist(), 1))
            ],
            1,
        ),
    ):
        logits = normal(30, layout.width).to(kind).requires_grad_()
        (found(logits) * weight).sum().backward()
        slopes.append(logits.grad)
    assert slopes[0].dtype == kind
    assert torch.allclose(*slopes, atol=1e-5 if kind == torch.float32 else 1e-2)


def test_a_first_layer_sees_known_symbols_and_hidden_fields():
    layout, cells = Layout(FIELDS), rows(20)
    known = (torch.rand(20, 4, generator=torch.Generator().manual_seed(1)) < 0.5).float()
    shown = layout.embed_observed(layout.tokens(cells), known, torch.float32)
    assert torch.equal(
        shown[:, : layout.width], layout.expand(cells) * layout.repeat_per_token(known)
    )
    assert torch.equal(shown[:, layout.width :], 1 - known)


def test_picking_follows_the_shares():
    layout = Layout(FIELDS)
    shares = layout.probabilities(normal(1, layout.width))
    chance = torch.rand(20_000, 4, generator=torch.Generator().manual_seed(0))
    picked = layout.sample_tokens(shares.expand(20_000, -1), chance)
    found = layout.one_hot(picked).mean(0)
    # Four standard errors of a share of a half.
    assert torch.allclose(found, shares[0], atol=4 * 0.5 / 20_000**0.5)


@pytest.mark.parametrize("width", [4, 9])
def test_chances_are_uniform_and_not_tied_in_pairs(width):
    found = uniforms(normal(20_000, width), 9)
    assert found.shape == (20_000, 9)
    assert (found >= 0).all()
    assert (found < 1).all()
    assert torch.allclose(found.mean(0), torch.full((9,), 0.5).double(), atol=0.01)
    tied = torch.corrcoef(found.T) - torch.eye(9)
    assert tied.abs().max() < 0.04


def test_without_noise_chance_is_the_middle():
    assert torch.equal(uniforms(torch.zeros(2, 0), 3), torch.full((2, 3), 0.5).double())


def test_rows_that_begin_alike_draw_as_if_each_were_alone():
    heaped = torch.tensor([[0.2, 0.5, 1.0], [0.7, 0.8, 1.0]])
    of = torch.tensor([1, 0, 0, 1, 1])
    chance = torch.tensor([0.1, 0.3, 0.99, 0.75, 0.81]).double()
    together = PrefixCache(torch.zeros(2, 4), of).draw(heaped, chance)
    alone = PrefixCache(torch.zeros(5, 4), of, one_per_row=True).draw(heaped[of], chance)
    assert together.tolist() == alone.tolist() == [0, 1, 2, 1, 2]


def test_branches_carry_the_features_of_their_own_rows():
    start, step = normal(2, 4), normal(3, 4, seed=1)
    of, drawn = torch.tensor([1, 0, 1, 1, 0, 0, 1]), torch.tensor([2, 0, 2, 1, 0, 0, 2])
    existing = PrefixCache(start, of)
    existing.extend(step, drawn)
    assert len(existing.features) == 3
    assert torch.equal(existing.features[existing.prefix_of_row], start[of] + step[drawn])


def test_known_cells_are_returned_untouched():
    cells = rows(200)
    known = (torch.rand(200, 4, generator=torch.Generator().manual_seed(3)) < 0.5).float()
    made = network()(normal(200), given(cells, known))
    assert torch.equal(made[known > 0], cells[known > 0])
    assert torch.equal(Layout(FIELDS).tokens(made)[:, [0, 1, 3]], made[:, [0, 1, 3]].long())


def test_filling_follows_the_odds_of_the_network():
    """The share of each whole row is the product of its cells' odds in the filling order."""
    made, count = network(), 40_000
    order = made.order()
    assert order[-1] == 2, "places last"
    blank = Condition.none(torch.zeros(count, 4))
    nothing = Condition(torch.zeros(count, 8), blank.grid, blank.tokens)
    found = made.layout.tokens(made(normal(count), nothing))[:, [0, 1, 3]]
    for whole in itertools.product(range(3), range(5), range(2)):
        cells = torch.tensor([[whole[0], whole[1], 0, whole[2]]]).float()
        known, odds = torch.zeros(1, 4), 1.0
        for field in order[:3]:
            surprise = made.layout.cross_entropy(
                made.logits(given(cells, known)), made.layout.tokens(cells)
            )
            odds *= (-surprise[0, field]).exp().item()
            known[0, field] = 1
        share = (found == torch.tensor(whole)).all(1).float().mean().item()
        # Four standard errors.
        assert share == pytest.approx(odds, abs=4 * (odds / count) ** 0.5 + 1e-4)


@pytest.mark.parametrize("mixed", [False, True], ids=["alike", "mixed"])
def test_a_row_is_filled_as_if_it_were_alone(mixed):
    made, noise, cells = network(), normal(100), rows(100)
    known = torch.zeros(100, 4)
    known[:, 1] = 1
    if mixed:
        known[::3, 0] = 1
    told_all = given(cells, known)
    together = made(noise, told_all)
    for row in range(0, 100, 7):
        alone = made(noise[row : row + 1], told_all[row : row + 1])
        assert torch.allclose(alone, together[row : row + 1], atol=1e-6)


@pytest.mark.parametrize("never", [0, 1])
def test_whole_rows_are_filled_as_the_chosen_ones_are(never, monkeypatch):
    """As on a GPU: all rows go through the layers, and what is observed is put back."""
    made, cells = network(), rows(300)
    observed = (torch.rand(300, 4, generator=torch.Generator().manual_seed(3)) < 0.5).float()
    observed[:, 3] = never  # one field of which all cells are observed, or none
    condition, noise = given(cells, observed), normal(300)
    chosen = made(noise, condition)
    monkeypatch.setattr(layers, "fill", partial(fill, whole=True))
    assert torch.equal(made(noise, condition), chosen)
    assert torch.equal(chosen[observed > 0], cells[observed > 0])


def test_what_is_hidden_does_not_reach_the_generator():
    made, cells = network(), rows(10)
    known = torch.zeros(10, 4)
    assert torch.equal(
        made.logits(given(cells, known)), made.logits(given(rows(10, seed=5), known))
    )


def test_no_rows_are_no_fault():
    assert network()(normal(0), given(rows(0), torch.zeros(0, 4))).shape == (0, 4)


def test_the_discriminator_judges_rows_and_their_expansion_alike():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        discriminator = FieldDiscriminator(SPEC, 8, 1)
    cells, known = rows(6), torch.ones(6, 4)
    logits = discriminator(cells, given(cells, known))
    assert logits.shape == (6,)
    assert torch.equal(
        logits, discriminator.logits(discriminator.layout.expand(cells), given(cells, known).vector)
    )
