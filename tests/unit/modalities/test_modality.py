"""What a kind of data gets that says nothing of itself."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from gannet.modalities.modality import NUMBERS, TwoSampleDefaults, modality_of_embedded
from gannet.modalities.registry import find_modality, modality_of


def test_any_numbers_get_noise_in_proportion_to_the_share():
    rows, chance = torch.zeros(4_000, 2), torch.Generator().manual_seed(0)
    assert NUMBERS.augment(rows, 0.5, chance).std() == pytest.approx(0.05, rel=0.05)
    assert NUMBERS.augment(rows, 0.0, chance) is rows


def test_samples_of_which_nobody_said_what_they_are_are_numbers():
    assert modality_of("") is NUMBERS
    assert modality_of("image") is find_modality("image")


def test_what_changed_its_shape_is_seen_as_numbers_and_tested_as_its_kind():
    image = replace(find_modality("image"), two_sample=TwoSampleDefaults(samples=7))
    pictures = torch.zeros(4, 1, 8, 8)
    assert modality_of_embedded(image, pictures, pictures) is image
    seen = modality_of_embedded(image, pictures, pictures.flatten(1))
    assert seen.thumbnail is NUMBERS.thumbnail
    assert seen.classifier is NUMBERS.classifier
    assert seen.two_sample == TwoSampleDefaults(samples=7)
