"""The configuration: its schema, and how plain data becomes checked, frozen dataclasses.

``ocrbench.config.composing`` makes that data from Hydra's YAML and overrides.
"""

from ocrbench.config.checking import closest, refuse_unused, validate
from ocrbench.config.packaged import choices, default_cache_dir, packaged
from ocrbench.config.schema import (
    EXPECTED_TYPES,
    NOT_MEASURED,
    ONLY_MEASURING,
    Cell,
    Dataset,
    Gate,
    Limit,
    Lines,
    Noise,
    Omz,
    Quantization,
    Scenario,
    Scoring,
    Words,
)
from ocrbench.config.stage import STRICT, Evidence, Granularity, Options, Precision, Recipe, Source, Stage

__all__ = [
    "EXPECTED_TYPES",
    "NOT_MEASURED",
    "ONLY_MEASURING",
    "STRICT",
    "Cell",
    "Dataset",
    "Evidence",
    "Gate",
    "Granularity",
    "Limit",
    "Lines",
    "Noise",
    "Omz",
    "Options",
    "Precision",
    "Quantization",
    "Recipe",
    "Scenario",
    "Scoring",
    "Source",
    "Stage",
    "Words",
    "choices",
    "closest",
    "default_cache_dir",
    "packaged",
    "refuse_unused",
    "validate",
]
