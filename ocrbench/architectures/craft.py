"""CRAFT (Baek et al., "Character Region Awareness for Text Detection", arXiv:1904.01941), section 3.1 and figure 2.

VGG-16 with batch normalisation; four U-Net blocks join its stages, from the deepest to the second. The names
and numbers of the layers are those of the published state dict.
"""

from collections.abc import Mapping
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

# VGG-16's layers from its beginning to its fifth stage: output channels of a convolution, or a halving.
HALVE = 0
VGG16 = (64, 64, HALVE, 128, 128, HALVE, 256, 256, 256, HALVE, 512, 512, 512, HALVE, 512, 512)
# Ends of the backbone's parts: the batch normalisations of conv2_2, conv3_2, conv4_2 and conv5_2.
CUTS = (0, 12, 19, 29, 39)
# Channels per U-Net block: of the coarser map, of the finer one that joins it, in between, and of the result.
BLOCKS = ((1024, 512, 512, 256), (256, 512, 256, 128), (128, 256, 128, 64), (64, 128, 64, 32))


class Backbone(nn.Module):
    """VGG-16 in five parts, the fully connected layers replaced by a dilated and a 1×1 convolution."""

    def __init__(self) -> None:
        super().__init__()
        layers = _vgg_layers()
        for number, (start, end) in enumerate(pairwise(CUTS), start=1):
            part = nn.Sequential()
            for index in range(start, end):
                part.add_module(str(index), layers[index])
            setattr(self, f"slice{number}", part)
        self.slice5 = nn.Sequential(
            nn.MaxPool2d(3, stride=1, padding=1),
            nn.Conv2d(512, 1024, 3, padding=6, dilation=6),
            nn.Conv2d(1024, 1024, 1),
        )

    def forward(self, image: Tensor) -> list[Tensor]:
        """Return the maps at 1/16, 1/16, 1/8, 1/4 and 1/2 of the image's size."""
        second = self.slice1(image)
        third = self.slice2(second)
        fourth = self.slice3(third)
        fifth = self.slice4(fourth)
        # The weights were trained with in-place activations, which also changed the maps that the decoder gets: all
        # but the fifth, which has no activation after it.
        return [self.slice5(fifth), fifth, *(functional.relu(each) for each in (fourth, third, second))]


class UpBlock(nn.Module):
    """Join of two maps: 1×1, then 3×3 convolution, each with batch normalisation."""

    def __init__(self, coarse: int, fine: int, between: int, result: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv2d(coarse + fine, between, 1),
            nn.BatchNorm2d(between),
            nn.ReLU(),
            nn.Conv2d(between, result, 3, padding=1),
            nn.BatchNorm2d(result),
            nn.ReLU(),
        )

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        """Mix two maps of one size."""
        return self.conv(torch.cat([coarse, fine], dim=1))


class Craft(nn.Module):
    """CRAFT: an image (1, 3, H, W) → region and affinity score (1, 2, H/2, W/2)."""

    def __init__(self) -> None:
        super().__init__()
        self.basenet = Backbone()
        for number, channels in enumerate(BLOCKS, start=1):
            setattr(self, f"upconv{number}", UpBlock(*channels))
        self.conv_cls = nn.Sequential(
            *(nn.Conv2d(32, 32, 3, padding=1), nn.ReLU()),
            *(nn.Conv2d(32, 32, 3, padding=1), nn.ReLU()),
            *(nn.Conv2d(32, 16, 3, padding=1), nn.ReLU()),
            *(nn.Conv2d(16, 16, 1), nn.ReLU()),
            nn.Conv2d(16, 2, 1),
        )

    def forward(self, image: Tensor) -> Tensor:
        """Return the two score maps."""
        deepest, fifth, *finer = self.basenet(image)
        joined = self.upconv1(deepest, fifth)
        for block, fine in zip((self.upconv2, self.upconv3, self.upconv4), finer, strict=True):
            enlarged = functional.interpolate(joined, size=fine.shape[2:], mode="bilinear", align_corners=False)
            joined = block(enlarged, fine)
        return self.conv_cls(joined)


def build(state: Mapping[str, Tensor]) -> nn.Module:
    """Build CRAFT, which has one size only."""
    return Craft()


def _vgg_layers() -> list[nn.Module]:
    layers: list[nn.Module] = []
    channels = 3
    for width in VGG16:
        if width == HALVE:
            layers.append(nn.MaxPool2d(2))
            continue
        layers += [nn.Conv2d(channels, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU()]
        channels = width
    return layers
