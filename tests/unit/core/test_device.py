"""What is known of the processor."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from gannet.core import device


@pytest.mark.parametrize("known", ["_is_amx_tile_supported", "_is_avx512_bf16_supported"])
def test_16_bit_are_tried_only_where_the_processor_knows_them(monkeypatch, known):
    for name in ("_is_amx_tile_supported", "_is_avx512_bf16_supported"):
        monkeypatch.setattr(torch.cpu, name, lambda: False)
    assert not device.may_use_bfloat16("cpu")
    monkeypatch.setattr(torch.cpu, known, lambda: True)
    assert device.may_use_bfloat16("cpu")
    assert not device.may_use_bfloat16("mps")


def test_32_bit_is_left_alone():
    layer, rows = nn.Linear(3, 2), torch.ones(1, 3)
    with device.autocast("cpu", "float32"):
        assert layer(rows).dtype == torch.float32
    with device.autocast("cpu", "bfloat16"):
        assert layer(rows).dtype == torch.bfloat16
    assert layer(rows).dtype == torch.float32


def test_layout_changes_no_number():
    pictures = torch.randn(2, 3, 4, 4)
    arranged = device.batch_to_channels_last(pictures, channels_last=True)
    assert torch.equal(arranged, pictures)
    assert arranged.is_contiguous(memory_format=torch.channels_last)
    rows = torch.randn(2, 3)
    assert device.batch_to_channels_last(rows, channels_last=False) is rows
    layer = nn.Conv2d(3, 4, 3)
    before = layer.weight.clone()
    assert torch.equal(device.to_channels_last(layer).weight, before)


def test_adam_takes_one_pass_and_the_settings():
    weight = torch.zeros(2, requires_grad=True)
    optimizer = device.adam([weight], (0.0, 0.9), 0.01)
    weight.grad = torch.tensor([1.0, -2.0])
    optimizer.step()
    # The first step of Adam is the rate, whatever the gradient's size.
    assert weight.tolist() == pytest.approx([-0.01, 0.01], rel=1e-5)
    assert optimizer.param_groups[0]["fused"]


def test_threads_are_put_back():
    before = torch.get_num_threads()
    with device.threads(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before


def test_threads_are_put_back_after_an_error():
    before = torch.get_num_threads()
    with pytest.raises(ZeroDivisionError), device.threads(before + 1):
        _ = 1 / 0
    assert torch.get_num_threads() == before


@pytest.mark.parametrize(("taken", "expected"), [((3.0, 2.0), 2), ((2.0, 3.0), 1)])
def test_threads_are_as_many_as_are_fastest(monkeypatch, taken, expected):
    monkeypatch.setattr(device, "processors", lambda: 2)
    marks = iter([0.0, taken[0], 0.0, taken[1]])
    before = torch.get_num_threads()
    assert device.best_threads(clock=lambda: next(marks)) == expected
    assert torch.get_num_threads() == before


def test_the_machine_has_a_device_processors_and_a_name():
    assert device.best_device() in {"cpu", "cuda", "mps"}
    assert device.processors() >= 1
    assert f"{device.processors()} processors" in device.hardware("cpu")


def test_numbers_that_are_there_already_are_not_sent():
    rows = torch.randn(2, 3)
    assert device.to_device(rows, "cpu") is rows
    device.wait_for("cpu")
