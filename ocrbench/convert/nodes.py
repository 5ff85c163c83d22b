"""What the rewriting of networks reads from OpenVINO's nodes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def replace(old: Any, new: Any) -> None:  # noqa: ANN401 - OpenVINO has no stubs
    """Let all that takes an output of a node take another one, which also gets its names: pipelines ask for these."""
    new.set_names(old.get_names())
    old.set_names(set())
    for consumer in old.get_target_inputs():
        consumer.replace_source_output(new)


def constant(output: Any) -> NDArray[np.float32] | None:  # noqa: ANN401 - OpenVINO has no stubs
    """Return the values behind an output of a node; None where they are not constant."""
    node = output.get_node()
    if node.get_type_name() == "Convert":
        # Weights that are stored as float16.
        node = node.input_value(0).get_node()
    return np.asarray(node.data, dtype=np.float32) if node.get_type_name() == "Constant" else None
