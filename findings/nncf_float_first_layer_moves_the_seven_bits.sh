#!/bin/sh
# A layer that is kept out of nncf's quantisation hands its 7-bit weights on to the layer behind it.
#
# A good engineer would guess: weights of an INT8 model have 8 bits, and naming the first layer in the ignored scope, as is
# often advised where accuracy is lost, changes that layer only.
# What happens: by default (overflow_fix=first_layer_only) the weights of the first layer that is quantised lie within ±64,
# half of the range, against overflows on processors without VNNI. If the first layer is ignored, the second one is the first
# that is quantised, and loses the bit; if a stem of several branches is ignored, every layer behind it does. Nothing is
# logged, and it is done on processors with VNNI too. AdvancedQuantizationParameters(overflow_fix=DISABLE) restores ±127.
# Seen with openvino 2026.4.1 and nncf 3.4.0; largest weight of four convolutions in a row, None where it is a float:
#     all quantised:     64 127 127 127
#     first one ignored: None 63 127 127
#     two ignored:       None None 63 127
# This script fails if these numbers change.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check openvino==2026.4.1 nncf==3.4.0
cd "$work"
"$work/venv/bin/python" - <<'PY'
import logging

import nncf
import numpy as np
import openvino as ov
from openvino import opset13 as ops

nncf.set_log_level(logging.ERROR)
generator = np.random.default_rng(0)
CHANNELS, LAYERS = 8, 4
inputs = [generator.normal(size=(1, CHANNELS, 32, 32)).astype(np.float32) for _ in range(16)]


def chain():
    entry = ops.parameter([1, CHANNELS, 32, 32], np.float32)
    values = entry
    for number in range(LAYERS):
        kernel = ops.constant(generator.normal(size=(CHANNELS, CHANNELS, 3, 3)).astype(np.float32) * 0.2)
        values = ops.convolution(values, kernel, [1, 1], [1, 1], [1, 1], [1, 1])
        values.set_friendly_name(f"layer{number}")
        values = ops.relu(values)
    return ov.Model([ops.result(values)], [entry], "chain")


def largest(ignored, **more):
    scope = nncf.IgnoredScope(names=[f"layer{number}" for number in range(ignored)])
    quantised = nncf.quantize(chain(), nncf.Dataset(inputs), subset_size=16, ignored_scope=scope, **more)
    found = {}
    for node in quantised.get_ops():
        if node.get_type_name() == "Convolution":
            weights = node.input_value(1).get_node()
            while weights.get_type_name() != "Constant":
                weights = weights.input_value(0).get_node()
            whole = weights.get_element_type() == ov.Type.i8
            found[node.get_friendly_name()] = int(np.abs(weights.data.astype(int)).max()) if whole else None
    return [found[f"layer{number}"] for number in range(LAYERS)]


seen = [largest(ignored) for ignored in (0, 1, 2)]
off = nncf.AdvancedQuantizationParameters(overflow_fix=nncf.OverflowFix.DISABLE)
seen.append(largest(1, advanced_parameters=off))
print(f"openvino {ov.__version__}, nncf {nncf.__version__}: largest weights {seen}")
bits = [[each and (7 if each <= 64 else 8) for each in layers] for layers in seen]
assert bits[:3] == [[7, 8, 8, 8], [None, 7, 8, 8], [None, None, 7, 8]], "other layers have 7 bits now"
assert bits[3] == [None, 8, 8, 8], "overflow_fix=DISABLE does not restore the range"
PY
