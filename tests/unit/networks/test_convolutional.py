"""Networks keep their contract for any size, channels and condition."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from gannet.core.types import Condition, Spec
from gannet.networks import convolutional, mlp

SHAPES = [(1, 28, 28), (3, 30, 45), (4, 8, 5), (1, 4, 4)]
PAIRS = [
    (convolutional.StridedGenerator, convolutional.StridedDiscriminator),
    (convolutional.UpsamplingGenerator, convolutional.StridedDiscriminator),
    (convolutional.ResidualGenerator, convolutional.StridedDiscriminator),
    (mlp.MLPGenerator, mlp.MLPDiscriminator),
    (mlp.ResidualRowGenerator, mlp.ResidualRowDiscriminator),
]


def players(
    pair: tuple[type[nn.Module], type[nn.Module]],
    shape: tuple[int, ...],
    classes: int,
    **options: bool,
) -> tuple[nn.Module, nn.Module]:
    spec = Spec(shape, classes, grid=(0, *shape[1:]))
    torch.manual_seed(0)
    return pair[0](spec, 6, 8, **options).eval(), pair[1](spec, 8).eval()


def told(shape: tuple[int, ...], classes: int, count: int = 3) -> Condition:
    blank = Condition.none(torch.zeros(count, *shape))
    vector = torch.zeros(count, classes)
    if classes:
        vector[:, 0] = 1
    return Condition(vector, blank.grid, blank.tokens)


@pytest.mark.parametrize("classes", [0, 5])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("pair", PAIRS)
def test_pictures_of_any_size_come_out_and_go_in(pair, shape, classes):
    options = {"bounded": True} if pair in PAIRS[3:] else {}
    generator, discriminator = players(pair, shape, classes, **options)
    condition = told(shape, classes)
    made = generator(torch.randn(3, 6), condition)
    assert made.shape == (3, *shape)
    assert made.abs().max() <= 1
    assert discriminator(made, condition).shape == (3,)


@pytest.mark.parametrize("pair", PAIRS[3:])
def test_rows_are_not_bounded(pair):
    generator, _ = players(pair, (2,), 0)
    with torch.no_grad():
        generator.output.output.bias.fill_(7.0)
    assert generator(torch.randn(3, 6), told((2,), 0)).min() > 1


@pytest.mark.parametrize("pair", PAIRS)
def test_a_class_changes_the_sample_and_the_verdict(pair):
    shape = (1, 12, 12)
    generator, discriminator = players(pair, shape, 4)
    zero = Condition.none(torch.zeros(2, *shape))
    none = Condition(torch.zeros(2, 4), zero.grid, zero.tokens)
    one = Condition(torch.eye(4)[:2], zero.grid, zero.tokens)
    noise = torch.randn(1, 6).expand(2, -1)
    made = generator(noise, one)
    assert not torch.allclose(made[0], made[1])
    judged = discriminator(made[:1].expand(2, -1, -1, -1), one)
    assert judged[0] != judged[1]
    same = discriminator(made[:1].expand(2, -1, -1, -1), none)
    assert torch.allclose(same[0], same[1])


def test_switches_let_a_sample_jump_where_the_noise_changes_its_sign():
    spec = Spec((2,))
    torch.manual_seed(0)
    generator = mlp.MLPGenerator(spec, 4, 16, sign_features=True)
    smooth = mlp.MLPGenerator(spec, 4, 16)
    below, above = torch.full((1, 4), -1e-6), torch.full((1, 4), 1e-6)
    none = told((2,), 0, 1)
    jump = (generator(below, none) - generator(above, none)).norm()
    step = (smooth(below, none) - smooth(above, none)).norm()
    assert jump > 100 * step


def test_too_small_pictures_are_refused():
    with pytest.raises(ValueError, match="at least 4"):
        convolutional.StridedGenerator(Spec((1, 3, 9)), 4, 8)


def test_shrink_equals_the_convolution_that_it_replaces():
    torch.manual_seed(0)
    layer, pictures = convolutional.DownConv(2, 5), torch.randn(3, 2, 9, 12)
    plain = nn.functional.conv2d(pictures, layer.weight, layer.bias, 2, 1)
    assert torch.allclose(layer(pictures), plain, atol=1e-5)


def test_paint_equals_the_transposed_convolution_that_it_replaces():
    torch.manual_seed(0)
    layer, features = convolutional.UpConv(6, 2, (9, 12)), torch.randn(3, 6, 4, 6)
    plain = nn.functional.conv_transpose2d(
        features, layer.weight, layer.bias, 2, 1, output_padding=(1, 0)
    )
    assert torch.allclose(layer(features), plain, atol=1e-5)


@pytest.mark.parametrize("pair", PAIRS)
def test_all_classes_at_once_are_judged_as_one_by_one(pair):
    shape, classes = (1, 12, 12), 4
    _, discriminator = players(pair, shape, classes)
    assert isinstance(discriminator, convolutional.ProjectionDiscriminator)
    samples = torch.randn(5, *shape)
    blank = Condition.none(samples)
    one_by_one = [
        discriminator(samples, Condition(row.expand(5, -1), blank.grid, blank.tokens))
        for row in torch.eye(classes)
    ]
    together = discriminator.head.logits_per_class(discriminator.features(samples))
    assert torch.allclose(together, torch.stack(one_by_one, 1), atol=1e-5)


@pytest.mark.parametrize("shape", [(1, 28, 28), (1, 13, 9), (3, 28, 28)])
def test_the_quick_ways_for_gray_are_the_plain_convolutions(shape):
    channels, *space = shape
    torch.manual_seed(0)
    pictures = torch.randn(2, *shape)
    shrink = convolutional.DownConv(channels, 5)
    plain = torch.nn.functional.conv2d(pictures, shrink.weight, shrink.bias, 2, 1)
    assert torch.allclose(shrink(pictures), plain, atol=1e-5)
    small = torch.randn(2, 5, space[0] // 2, space[1] // 2)
    paint = convolutional.UpConv(5, channels, (space[0], space[1]))
    odd = (space[0] % 2, space[1] % 2)
    plain = torch.nn.functional.conv_transpose2d(small, paint.weight, paint.bias, 2, 1, odd)
    assert torch.allclose(paint(small), plain, atol=1e-5)
