"""CRNN (Shi et al., arXiv:1507.05717) in the form of EasyOCR's second generation, of which english_g2 is one.

A VGG-like network with stages of 32 to 256 channels turns each four columns of the image into one vector. Two
bidirectional LSTM layers follow, each with a linear one, and a linear layer scores the classes for CTC. The names
and numbers of the layers are those of the published state dict.
"""

from collections.abc import Mapping

from torch import Tensor, nn

CHANNELS, HIDDEN = 256, 256


class Features(nn.Module):
    """Grey image (N, 1, 64, W) → vectors (N, W/4 - 1, 256)."""

    def __init__(self) -> None:
        super().__init__()
        self.ConvNet = nn.Sequential(
            *(nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(64, 128, 3, padding=1), nn.ReLU()),
            *(nn.Conv2d(128, 128, 3, padding=1), nn.ReLU(), nn.MaxPool2d((2, 1))),
            *(nn.Conv2d(128, 256, 3, padding=1, bias=False), nn.BatchNorm2d(256), nn.ReLU()),
            *(nn.Conv2d(256, 256, 3, padding=1, bias=False), nn.BatchNorm2d(256), nn.ReLU(), nn.MaxPool2d((2, 1))),
            *(nn.Conv2d(256, CHANNELS, 2), nn.ReLU()),
        )

    def forward(self, image: Tensor) -> Tensor:
        """Average over the remaining height."""
        return self.ConvNet(image).mean(dim=2).permute(0, 2, 1)


class Context(nn.Module):
    """A bidirectional LSTM layer whose two directions are mixed by a linear one."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.LSTM(CHANNELS, HIDDEN, bidirectional=True, batch_first=True)
        self.linear = nn.Linear(2 * HIDDEN, CHANNELS)

    def forward(self, vectors: Tensor) -> Tensor:
        """Return vectors of the same shape."""
        return self.linear(self.rnn(vectors)[0])


class Crnn(nn.Module):
    """Grey image (N, 1, 64, W) → class scores (N, W/4 - 1, classes)."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.FeatureExtraction = Features()
        self.SequenceModeling = nn.Sequential(Context(), Context())
        self.Prediction = nn.Linear(CHANNELS, classes)

    def forward(self, image: Tensor) -> Tensor:
        """Return the scores before the softmax."""
        return self.Prediction(self.SequenceModeling(self.FeatureExtraction(image)))


def build(state: Mapping[str, Tensor]) -> nn.Module:
    """Build a CRNN with the number of classes in the state dict."""
    return Crnn(classes=state["Prediction.weight"].shape[0])
