"""INT8 with NNCF's post-training quantisation."""

import logging
import re
import warnings
from collections.abc import Callable, Iterator, Sequence, Set
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ocrbench.config.stage import Recipe
from ocrbench.errors import ConversionError

log = logging.getLogger(__name__)

# Greatest number of validation images on which accuracy control ranks the layers.
RANKING_IMAGES = 16
# The operations that 8 bits make faster.
WEIGHTED = ("Convolution", "GroupConvolution", "ConvolutionBackpropData", "GroupConvolutionBackpropData", "MatMul")
# The share of them that NNCF leaves in float for good reasons, and the number that is named if there are more.
USUALLY_LEFT, NAMED = 0.1, 5
Inputs = Sequence[NDArray[np.float32]]
# NNCF's validation function: (compiled model, images' numbers) → (score, score per image).
Validate = Callable[[Any, Sequence[int]], tuple[float, list[float]]]


def quantize(model: Any, recipe: Recipe, inputs: Inputs) -> Any:  # noqa: ANN401 - OpenVINO has no stubs
    """Quantise a model's weights and activations to 8 bits.

    Args:
        model: The float ``ov.Model``.
        recipe: Recipe, whose names follow ``nncf.quantize``.
        inputs: Calibration inputs, used in order.

    Returns:
        The quantised ``ov.Model``.

    Raises:
        ConversionError: NNCF fails, or a pattern of the recipe matches no operation.
    """
    import nncf

    arguments = _arguments(model, recipe, inputs)
    with _nncf():
        quantised = nncf.quantize(model, nncf.Dataset(list(inputs)), **arguments, advanced_parameters=_advanced(recipe))
    _name_what_stays_in_float(quantised, {*arguments["ignored_scope"].names}, {*recipe.ignored_types})
    return quantised


def quantize_controlled(  # noqa: PLR0913 - NNCF's number of arguments
    model: Any,  # noqa: ANN401
    recipe: Recipe,
    inputs: Inputs,
    validate: Validate,
    *,
    images: int,
    max_drop: float,
    max_iterations: int | None,
) -> Any:  # noqa: ANN401
    """Quantise, then return layers to float until the score has dropped by at most ``max_drop``.

    Args:
        model: The float ``ov.Model``.
        recipe: As for ``quantize``.
        inputs: As for ``quantize``.
        validate: Function that scores a compiled model.
        images: Number of images that ``validate`` has.
        max_drop: Greatest absolute drop of the score.
        max_iterations: Greatest number of groups of layers that may return to float; None for no limit.

    Returns:
        The quantised ``ov.Model``.

    Raises:
        ConversionError: NNCF fails.
    """
    import nncf
    from nncf.quantization.advanced_parameters import AdvancedAccuracyRestorerParameters

    limit = {} if max_iterations is None else {"max_num_iterations": max_iterations}
    # One ranking worker requests scores in a fixed order, so that an interrupted search can continue.
    restorer = AdvancedAccuracyRestorerParameters(
        ranking_subset_size=min(RANKING_IMAGES, images - 1), num_ranking_workers=1, **limit
    )
    arguments = _arguments(model, recipe, inputs)
    with _nncf():
        return nncf.quantize_with_accuracy_control(
            model,
            nncf.Dataset(list(inputs)),
            nncf.Dataset(list(range(images))),
            lambda compiled, items: validate(compiled, list(items)),
            max_drop=max_drop,
            **arguments,
            advanced_quantization_parameters=_advanced(recipe),
            advanced_accuracy_restorer_parameters=restorer,
        )


def quantised_operations(model: Any) -> frozenset[str]:  # noqa: ANN401
    """Name the operations that take an 8-bit input."""
    return frozenset(
        node.get_friendly_name()
        for node in model.get_ops()
        for value in node.input_values()
        if value.get_node().get_type_name() == "FakeQuantize" and node.get_type_name() != "FakeQuantize"
    )


def _name_what_stays_in_float(model: Any, names: Set[str], kinds: Set[str]) -> None:  # noqa: ANN401
    """Warn of the layers with weights that NNCF left in float although the recipe does not ask for it."""
    quantised = quantised_operations(model)
    weighted = [node for node in model.get_ops() if node.get_type_name() in WEIGHTED]
    left = [
        node.get_friendly_name()
        for node in weighted
        if not {node.get_friendly_name()} & (quantised | names) and node.get_type_name() not in kinds
    ]
    if len(left) > USUALLY_LEFT * len(weighted):
        shown = ", ".join(left[:NAMED]) + (", …" if len(left) > NAMED else "")
        log.warning("NNCF left %d of %d convolutions and products in float: %s", len(left), len(weighted), shown)


@contextmanager
def _nncf() -> Iterator[None]:
    """Convert NNCF's exceptions to ours, and hide one warning.

    NNCF 2.14 computes both choices of a range before it takes one; in the other it multiplies an infinity by zero.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "invalid value encountered in multiply", RuntimeWarning, module="nncf")
        try:
            yield
        except Exception as error:
            raise ConversionError(_failure(error)) from error


def _arguments(model: Any, recipe: Recipe, inputs: Inputs) -> dict[str, Any]:  # noqa: ANN401
    import nncf

    ignored = nncf.IgnoredScope(
        types=list(recipe.ignored_types), names=_matching(model, recipe.ignored_patterns), validate=False
    )
    return {
        "preset": nncf.QuantizationPreset(recipe.preset),
        "model_type": nncf.ModelType.TRANSFORMER if recipe.model_type == "transformer" else None,
        "subset_size": min(recipe.subset_size, len(inputs)),
        "fast_bias_correction": recipe.bias_correction != "full",
        "ignored_scope": ignored,
    }


def _advanced(recipe: Recipe) -> Any:  # noqa: ANN401
    from nncf.quantization.advanced_parameters import AdvancedQuantizationParameters, OverflowFix
    from nncf.quantization.range_estimator import RangeEstimatorParameters, RangeEstimatorParametersSet

    minmax = recipe.activation_range == "minmax"
    return AdvancedQuantizationParameters(
        overflow_fix=OverflowFix(recipe.overflow_fix),
        disable_bias_correction=recipe.bias_correction == "off",
        activations_range_estimator_params=RangeEstimatorParametersSet.MINMAX if minmax else RangeEstimatorParameters(),
    )


def _matching(model: Any, patterns: Sequence[str]) -> list[str]:  # noqa: ANN401
    """Name the operations that match the patterns; a pattern without a match is a mistake."""
    names = [node.get_friendly_name() for node in model.get_ops()]
    chosen: list[str] = []
    for pattern in patterns:
        found = [name for name in names if re.match(pattern, name)]
        if not found:
            message = f"quantization.ignored_patterns: {pattern!r} matches none of the model's {len(names)} operations"
            raise ConversionError(message)
        chosen += found
    return sorted(set(chosen))


def _failure(error: Exception) -> str:
    return f"NNCF cannot quantise the model: {type(error).__name__}: {error}"
