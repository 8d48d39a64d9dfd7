"""All chance is a function of a seed and a place."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from gannet.core.seeding import BLOCK, derive_seed, latents_at

NUMBERS = st.integers(0, 2**40)


@given(NUMBERS, NUMBERS)
def test_a_place_always_has_the_same_seed(seed, step):
    assert derive_seed(seed, step) == derive_seed(seed, step)
    assert 0 <= derive_seed(seed, step) < 2**32


def test_neighboring_places_have_seeds_of_their_own():
    seeds = [derive_seed(seed, step) for seed in range(40) for step in range(40)]
    assert len(set(seeds)) == len(seeds)


def test_seeds_above_32_bits_count():
    assert derive_seed(1) != derive_seed(1 + 2**32)


def test_a_row_of_noise_does_not_depend_on_the_rows_around_it():
    whole = latents_at(5, range(20), 7)
    assert torch.equal(latents_at(5, range(13, 14), 7)[0], whole[13])
    assert torch.equal(latents_at(5, [19, 0], 7), whole[[19, 0]])


def test_rows_of_noise_in_and_across_blocks_are_independent():
    noise = latents_at(2, range(4 * BLOCK), 3).view(4, BLOCK, 3)
    assert torch.equal(latents_at(2, [3 * BLOCK + 1, 1], 3), noise[[3, 0], 1])
    alike = noise.flatten(1).corrcoef() - torch.eye(4)
    assert alike.abs().max() < 4 / (3 * BLOCK) ** 0.5
    assert noise.flatten(0, 1).unique(dim=0).shape == (4 * BLOCK, 3)


def test_other_seeds_give_other_noise():
    assert not torch.equal(latents_at(0, range(3), 5), latents_at(1, range(3), 5))


def test_noise_of_no_rows_has_its_width():
    assert latents_at(0, range(0), 7).shape == (0, 7)


def test_noise_is_standard_normal():
    noise = latents_at(0, range(2_000), 8)
    assert abs(noise.mean()) < 4 / 16_000**0.5
    assert abs(noise.std() - 1) < 0.03


def test_drawing_noise_leaves_the_global_generator_alone():
    before = torch.get_rng_state()
    latents_at(0, range(4), 4)
    assert torch.equal(before, torch.get_rng_state())
