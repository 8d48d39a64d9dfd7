"""Empty samples, copies, bursts and ranges are said; ordinary data are left in peace."""

from __future__ import annotations

import numpy as np
import torch

from gannet.data.doctor.checks import Examined, all_checks
from gannet.modalities.modality import Modality
from gannet.modalities.registry import find_modality
from gannet.modalities.vector.codec import VectorCodec

GRAY = (1, 16, 16)


def examined(samples, groups=None, prints=None, kind: str | Modality = "image", codec=None):
    every = np.arange(len(samples))
    return Examined(
        samples=samples,
        labels=np.full(len(samples), -1),
        groups=every if groups is None else groups,
        prints=(every if prints is None else prints).astype(np.uint64),
        names=[f"{number}" for number in every],
        classes=(),
        modality=find_modality(kind) if isinstance(kind, str) else kind,
        codec=codec,
    )


def found(*args, **options):
    return {each.code: each for each in all_checks(examined(*args, **options))}


def pictures(count=200, seed=0):
    return torch.rand(count, *GRAY, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def test_ordinary_pictures_and_rows_have_no_faults():
    assert not found(pictures())
    rows = torch.randn(500, 3, generator=torch.Generator().manual_seed(0)).double()
    assert not found(rows.float(), kind="vector", codec=VectorCodec.fit(list(rows.numpy())))


def test_blank_and_nearly_blank_pictures_are_severe_if_many():
    samples = pictures()
    samples[::2] = 0.1
    samples[0] += 0.01 * torch.randn(GRAY, generator=torch.Generator().manual_seed(1))
    blank = found(samples)["empty"]
    assert (blank.severity, blank.evidence) == ("severe", {"count": 100, "of": 200})
    assert blank.examples[:2] == ("0", "2")


def test_sparse_drawings_are_not_blank():
    samples = -torch.ones(100, *GRAY)
    samples[:, :, 7:9, 3:13] = 1  # a stroke
    assert "empty" not in found(samples)


def test_a_picture_that_is_half_of_the_data_is_named_as_such():
    groups = np.where(np.arange(200) % 2, np.arange(200), 0)
    assert found(pictures(), groups, groups)["one_sample_dominates"].severity == "severe"


def test_near_duplicates_are_counted_apart_from_equal_ones():
    groups = np.arange(200) // 2 * 2
    near = found(pictures(), groups)["near_duplicates"]
    assert (near.severity, near.evidence["count"]) == ("severe", 100)
    assert "near_duplicates" not in found(pictures(), groups, groups)


def test_series_are_bursts_and_scattered_copies_are_not():
    series = np.arange(200) // 5 * 5
    assert found(pictures(), series)["bursts"].evidence["series"] == 40
    assert "bursts" not in found(pictures(), np.random.default_rng(0).permutation(series))


def test_numbers_in_a_small_part_of_their_range_are_said():
    assert found(pictures() * 0.1)["narrow_range"].severity == "warning"


def test_a_mistyped_number_that_stretches_a_column_is_said_by_name():
    rows = np.random.default_rng(0).normal(size=(500, 2))
    rows[7, 1] = 99_999
    codec = VectorCodec.fit(list(rows)).model_copy(update={"names": ("age", "pay")})
    stretched = found(codec.encode(list(rows)), kind="vector", codec=codec)["stretched_range"]
    assert "pay" in stretched.sentence
    assert "age" not in stretched.sentence


def test_findings_are_json():
    samples = pictures()
    samples[::2] = 0.1
    for each in all_checks(examined(samples)):
        assert type(each).model_validate_json(each.model_dump_json()) == each
