"""How alike two outputs are."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(kw_only=True)
class Agreement:
    """How alike outputs and the exact ones are, summed over inputs.

    Attributes:
        signal: Energy of the exact outputs.
        power: Energy of the others.
        product: Their inner product with the exact ones.
        noise: Energy of the difference.
    """

    signal: float = 0.0
    power: float = 0.0
    product: float = 0.0
    noise: float = 0.0

    def add(self, exact: NDArray[np.float32], other: NDArray[np.float32]) -> None:
        """Count one pair of outputs of the same shape."""
        wanted, given = (values.ravel().astype(np.float64) for values in (exact, other))
        self.signal += float(wanted @ wanted)
        self.power += float(given @ given)
        self.product += float(wanted @ given)
        wanted -= given
        self.noise += float(wanted @ wanted)

    @property
    def sqnr_db(self) -> float:
        """The signal to quantisation noise ratio, 10 log10 of the ratio of the energies; infinite without noise.

        >>> Agreement(signal=100.0, noise=1.0).sqnr_db
        20.0
        """
        if not self.noise:
            return math.inf
        return 10 * math.log10(self.signal / self.noise) if self.signal else -math.inf

    @property
    def cosine(self) -> float:
        """The cosine similarity; 1 where the outputs differ by a positive factor only.

        >>> Agreement(signal=4.0, power=1.0, product=2.0).cosine
        1.0
        """
        scale = math.sqrt(self.signal) * math.sqrt(self.power)
        if not scale:
            return float(self.signal == self.power)
        return min(1.0, max(-1.0, self.product / scale))
