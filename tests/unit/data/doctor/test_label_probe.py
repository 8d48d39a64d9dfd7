"""Labels are accused where they say nothing or are wrong, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from gannet.data.doctor.checks import Examined
from gannet.data.doctor.label_probe import confident_joint, label_findings
from gannet.modalities.registry import find_modality

DIGITS = load_digits()
SAMPLES = torch.from_numpy(DIGITS.images[:, None] / 8 - 1).float()


def findings(samples, labels, kind="image", groups=None):
    count = len(labels)
    every = np.arange(count)
    found = label_findings(
        Examined(
            samples=samples,
            labels=np.asarray(labels, np.int64),
            groups=every if groups is None else groups,
            prints=every.astype(np.uint64),
            names=[f"{number}" for number in range(count)],
            classes=tuple("0123456789"),
            modality=find_modality(kind),
            codec=None,
        )
    )
    return {each.code: each for each in found}


def swapped(share, seed=0):
    rng = np.random.default_rng(seed)
    wrong = rng.random(len(DIGITS.target)) < share
    other = (DIGITS.target + rng.integers(1, 10, len(wrong))) % 10
    return np.where(wrong, other, DIGITS.target), wrong


def test_right_labels_are_not_accused():
    assert not findings(SAMPLES, DIGITS.target)


def test_shuffled_labels_say_nothing():
    found = findings(SAMPLES, np.random.default_rng(0).permutation(DIGITS.target))
    assert set(found) == {"labels_uninformative"}
    assert found["labels_uninformative"].severity == "severe"
    assert found["labels_uninformative"].evidence["p"] > 0.01


def test_copies_do_not_make_shuffled_labels_look_right():
    labels = np.random.default_rng(0).permutation(DIGITS.target[:450])
    samples = SAMPLES[:450].repeat(4, 1, 1, 1)
    found = findings(samples, np.tile(labels, 4), groups=np.tile(np.arange(450), 4))
    assert "labels_suspect" not in found
    assert found.keys() & {"labels_uninformative", "labels_untested"}


@pytest.mark.parametrize(("share", "severity"), [(0.05, "warning"), (0.3, "severe")])
def test_wrong_labels_are_listed(share, severity):
    labels, wrong = swapped(share)
    found = findings(SAMPLES, labels)["labels_suspect"]
    assert found.severity == severity
    assert found.evidence["share"] == pytest.approx(share, abs=0.3 * share + 0.01)
    assert wrong[found.evidence["indices"]].mean() > 0.9, "few honest labels are accused"
    assert found.evidence["listed"] > 0.6 * wrong.sum(), "most wrong ones are listed"


def test_two_classes_mixed_up_are_named():
    labels = DIGITS.target.copy()
    threes = np.flatnonzero(labels == 3)
    labels[threes[::2]] = 8
    found = findings(SAMPLES, labels)["classes_mixed"]
    assert {*found.evidence["pairs"][0][:2]} == {"3", "8"}


def test_overlapping_classes_are_not_accused():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 1_500)
    rows = torch.from_numpy(rng.normal(size=(1_500, 4)) + labels[:, None] * 0.8).float()
    assert {each.severity for each in findings(rows, labels, "vector").values()} <= {"note"}


def test_a_rare_class_that_can_be_told_is_informative():
    rng = np.random.default_rng(0)
    labels = (rng.random(2_000) < 0.04).astype(int)
    rows = torch.from_numpy(rng.normal(size=(2_000, 4)) + 1.2 * labels[:, None]).float()
    assert "labels_uninformative" not in findings(rows, labels, "vector")


def test_few_labels_are_not_judged():
    assert not findings(SAMPLES[:60], DIGITS.target[:60])


def test_the_confident_joint_counts_by_the_mean_probability_of_each_class():
    probabilities = np.array([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8], [0.4, 0.6], [0.1, 0.9]])
    labels = np.array([0, 0, 0, 1, 1])
    # Thresholds are .6 and .75: the fourth is sure of nothing, the third is a 1 called 0.
    joint, suspect, likely = confident_joint(probabilities, labels)
    assert joint.tolist() == [[2, 1], [0, 1]]
    assert suspect.tolist() == [False, False, True, False, False]
    assert likely[2] == 1
