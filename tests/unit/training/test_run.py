"""A run's memory, without its steps."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from gannet.training.monitor import Measurements
from gannet.training.run import Run


def relabeled(data, labels):
    return replace(data, train=replace(data.train, labels=labels))


def test_the_card_says_how_many_rows_had_each_class_and_how_many_none(planned, loaded, tmp_path):
    labels = np.full(len(loaded.train), -1)
    labels[:24], labels[24:36] = 0, 1
    card = Run(planned(), relabeled(loaded, labels), tmp_path / "run").artifact().card
    assert card.class_frequencies == pytest.approx([24 / len(labels), 12 / len(labels)])


def test_the_shares_of_fully_labeled_data_add_up_to_one(planned, loaded, tmp_path):
    card = Run(planned(), loaded, tmp_path / "run").artifact().card
    assert sum(card.class_frequencies) == pytest.approx(1, abs=1e-12)


def look(**known):
    """A look with every number at a half, but for the known ones."""
    usual = {"int": 100, "bool": True}
    return Measurements(
        **({each.name: usual.get(str(each.type), 0.5) for each in fields(Measurements)} | known)
    )


@pytest.mark.parametrize(("distance", "said"), [(9.0, "not judged"), (1.0, "healthy")])
def test_samples_poorer_than_one_gaussian_are_not_called_healthy(
    planned, loaded, tmp_path, distance, said
):
    run = Run(planned(), loaded, tmp_path / "run")
    run.history = [look(energy_distance=distance, gaussian_baseline=3.0)] * 3
    assert run.artifact().card.diagnosis["name"] == said


def test_the_state_least_wrong_about_held_out_samples_is_kept(planned, loaded, tmp_path):
    run = Run(planned(), loaded, tmp_path / "run")
    for step, error, distance in ((1, 3.0, 1.0), (2, 1.0, 9.0), (3, 1.009, 9.0), (4, 1.011, 0.1)):
        run.trainer.step = step
        run._remember(
            look(loss_validation=error, energy_distance=distance, energy_distance_se=0.01)
        )
    assert run.best["step"] == 3  # within a hundredth of the least, and later
    assert run.best["validation_loss"] == 1.0


def test_without_errors_the_nearest_state_is_kept(planned, loaded, tmp_path):
    run = Run(planned(), loaded, tmp_path / "run")
    for step, distance in ((1, 1.0), (2, 9.0)):
        run.trainer.step = step
        known = {
            "loss_validation": float("nan"),
            "energy_distance": distance,
            "energy_distance_se": 0.01,
        }
        run._remember(look(**known))
    assert run.best["step"] == 1
