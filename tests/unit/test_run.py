"""A run's memory, without its steps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gannet.run import Run


def relabelled(data, labels):
    return replace(data, train=replace(data.train, labels=labels))


def test_the_card_says_how_many_rows_had_each_class_and_how_many_none(planned, loaded, tmp_path):
    labels = np.full(len(loaded.train), -1)
    labels[:24], labels[24:36] = 0, 1
    card = Run(planned(), relabelled(loaded, labels), tmp_path / "run").artefact().card
    assert card.shares == pytest.approx([24 / len(labels), 12 / len(labels)])


def test_the_shares_of_fully_labelled_data_add_up_to_one(planned, loaded, tmp_path):
    card = Run(planned(), loaded, tmp_path / "run").artefact().card
    assert sum(card.shares) == pytest.approx(1, abs=1e-12)
