"""What of a recipe reaches NNCF."""

import pytest

from ocrbench.config.stage import Recipe
from ocrbench.convert.quantize import _advanced

nncf = pytest.importorskip("nncf")


def test_minmax_cuts_nothing_off() -> None:
    usual, minmax = (
        _advanced(Recipe(activation_range=each)).activations_range_estimator_params for each in ("mean", "minmax")
    )
    # NNCF then chooses the means.
    assert (usual.min.aggregator_type, usual.max.aggregator_type) == (None, None)
    assert (minmax.min.aggregator_type.value, minmax.max.aggregator_type.value) == ("min", "max")


@pytest.mark.parametrize("name", ["first_layer_only", "disable"])
def test_the_overflow_fix_has_nncfs_names(name: str) -> None:
    assert _advanced(Recipe(overflow_fix=name)).overflow_fix.value == name


def test_bias_correction_can_be_off() -> None:
    found = [_advanced(Recipe(bias_correction=each)) for each in ("fast", "off")]
    assert [each.disable_bias_correction for each in found] == [False, True]
