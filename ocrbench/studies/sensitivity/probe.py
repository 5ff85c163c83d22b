"""The output of each quantised layer, beside that of the same layer in float, and how alike the two are."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from ocrbench.errors import DeviceError, last_line
from ocrbench.graphs import pairing
from ocrbench.graphs.folding import fold
from ocrbench.graphs.nodes import Model, Node, ops
from ocrbench.records import Artifact, Graph, Image

Output = NDArray[np.float32]
# The plugin's own rewriting for 8 bits gives wrong values (zeros after ReduceMean) once a network has outputs in its
# midst, with OpenVINO 2026.4 at least. Without it the quantisers are computed as they stand, in f32.
PROPERTIES = {"LP_TRANSFORMS_MODE": "NO", "INFERENCE_PRECISION_HINT": "f32"}
# Outputs are kept until they are compared: at 736×1280 an early layer's takes 15 MB, and there are three of each.
LAYERS_AT_ONCE = 8


@dataclass(frozen=True, kw_only=True)
class QuantisedLayer:
    """An operation whose inputs are quantised.

    Attributes:
        name: As in the float model, after the bias: that name is the same in each conversion, while many operations
            before it are only numbered.
        operation: Its name in the quantised model.
        kind: The operation's type.
    """

    name: str
    operation: str
    kind: str


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """What one layer made of one input.

    Attributes:
        exact: In the float model.
        whole: In the quantised model, where what comes before it is quantised too.
        alone: With its own inputs and weights quantised, and everything before it in float.
    """

    exact: Output
    whole: Output
    alone: Output


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


class Probe:
    """The float model, the quantised one, and each quantised layer hung into the float model, with one input for all.

    Attributes:
        layers: The layers that both models have, in the order of execution.
    """

    def __init__(self, exact: Artifact, quantised: Artifact, graph: Graph) -> None:
        """Read the models and put them together.

        Args:
            exact: The float IR.
            quantised: The INT8 IR of the same source.
            graph: What is folded into them; its arg-max and its choice of classes are not.
        """
        core = ov.Core()
        reference, whole, alone = (core.read_model(each.path) for each in (exact, quantised, quantised))
        pairs = pairing.pair(reference, whole)
        layers = [layer for layer in pairing.quantised(whole) if layer.get_friendly_name() in pairs]
        self.layers = tuple(_described(layer, pairs) for layer in layers)
        wanted = {layer.get_friendly_name() for layer in layers}
        hung = {node.get_friendly_name(): node for node in alone.get_ops() if node.get_friendly_name() in wanted}
        ends = [
            pairing.with_bias(node)
            for layer in layers
            for node in (pairs[layer.get_friendly_name()], layer, hung[layer.get_friendly_name()])
        ]
        for layer in hung.values():
            pairing.isolate(layer, pairs)
        self._model = fold(_merged(reference, (whole, alone), ends), replace(graph, arg_max=False, classes=()))

    def run(self, inputs: Sequence[Image]) -> Iterator[tuple[QuantisedLayer, Outputs]]:
        """Yield what each layer makes of each input, a few layers at once; computed in f32 on the CPU.

        Args:
            inputs: As the graph takes them. The outputs are valid until the next ones.

        Raises:
            DeviceError: OpenVINO refuses the model.
        """
        for start in range(0, len(self.layers), LAYERS_AT_ONCE):
            layers = self.layers[start : start + LAYERS_AT_ONCE]
            request = self._compile(3 * start, 3 * (start + len(layers))).create_infer_request()
            for tensor in inputs:
                request.infer([tensor], share_inputs=True)
                for number, layer in enumerate(layers):
                    exact, whole, alone = (request.get_output_tensor(3 * number + side).data for side in range(3))
                    yield layer, Outputs(exact=exact, whole=whole, alone=alone)

    def _compile(self, start: int, stop: int) -> Any:  # noqa: ANN401 - OpenVINO has no stubs
        results = [ops.result(each.input_value(0)) for each in self._model.get_results()[start:stop]]
        part = ov.Model(results, self._model.get_parameters(), "probe")
        try:
            return ov.Core().compile_model(part, "CPU", PROPERTIES)
        except RuntimeError as error:
            message = f"CPU refuses the layers of the model: {last_line(error)}"
            raise DeviceError(message) from error


def _described(layer: Node, pairs: Mapping[str, Node]) -> QuantisedLayer:
    counterpart = pairs[layer.get_friendly_name()]
    return QuantisedLayer(
        name=pairing.with_bias(counterpart).get_friendly_name(),
        operation=layer.get_friendly_name(),
        kind=layer.get_type_name(),
    )


def _merged(reference: Model, others: Sequence[Model], ends: Sequence[Node]) -> Model:
    """Make one model of several; the inputs are those of the first."""
    for number, model in enumerate(others, start=1):
        for ours, theirs in zip(reference.get_parameters(), model.get_parameters(), strict=True):
            for port in theirs.output(0).get_target_inputs():
                port.replace_source_output(ours.output(0))
        for node in model.get_ops():
            # Names must be unique in a model.
            node.set_friendly_name(f"{number}/{node.get_friendly_name()}")
            for output in node.outputs():
                output.set_names(set())
    return ov.Model([ops.result(node.output(0)) for node in ends], reference.get_parameters(), "probe")
