"""INT8 by NNCF's post-training quantisation."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ocrbench.config import Quantization
from ocrbench.errors import ConversionError


def quantize(model: Any, recipe: Quantization, inputs: Sequence[NDArray[np.float32]]) -> Any:  # noqa: ANN401
    """Quantise a model's weights and activations to 8 bits.

    Args:
        model: The float ``ov.Model``.
        recipe: Names follow ``nncf.quantize``.
        inputs: Calibration inputs, used in order.

    Returns:
        The quantised ``ov.Model``.

    Raises:
        ConversionError: NNCF fails.
    """
    import nncf

    try:
        return nncf.quantize(
            model,
            nncf.Dataset(list(inputs)),
            preset=nncf.QuantizationPreset(recipe.preset),
            model_type=nncf.ModelType.TRANSFORMER if recipe.model_type == "transformer" else None,
            subset_size=min(recipe.subset_size, len(inputs)),
            fast_bias_correction=recipe.fast_bias_correction,
            ignored_scope=nncf.IgnoredScope(
                types=list(recipe.ignored_types), patterns=list(recipe.ignored_patterns), validate=False
            ),
        )
    except Exception as error:
        message = f"NNCF cannot quantise the model: {type(error).__name__}: {error}"
        raise ConversionError(message) from error
