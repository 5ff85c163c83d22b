"""Whether the requested precision ran."""

import logging
from collections.abc import Mapping
from typing import Any

from ocrbench.config.schema import EXPECTED_TYPES, Cell
from ocrbench.errors import DeviceError

log = logging.getLogger(__name__)


def judged(cell: Cell, execution: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Compare the executed with the requested precision; warn or fail as the cell demands.

    Args:
        cell: The cell, whose ``attest`` determines the reaction to a difference.
        execution: Execution per stage and network, see ``runtime.Execution``.

    Returns:
        The execution with ``honoured`` added to each network.

    Raises:
        DeviceError: Another precision ran, with ``attest=strict``.
    """
    judged: dict[str, dict[str, Any]] = {}
    for role, networks in execution.items():
        for name, network in networks.items():
            fine = honoured(network["precision"], network["executed"])
            judged.setdefault(role, {})[name] = {**network, "honoured": fine}
            if cell.attest == "off":
                continue
            for kind in network.get("emulated", ()):
                log.warning("%s: %s is emulated here, which is slower than FP32: no instructions for it", role, kind)
            if fine:
                continue
            ran = ", ".join(f"{kind} {share:.0%}" for kind, share in network["executed"].items())
            message = f"{role}: {network['precision']} was asked for, but {network['device']} executed {ran}"
            if cell.attest == "strict":
                raise DeviceError(message)
            log.warning("%s", message)
    return judged


def honoured(precision: str, executed: Mapping[str, float]) -> bool:
    """Return whether the requested precision ran.

    FP32 is honoured if nothing ran in a narrower type. INT8 is honoured if i8 ran: layers that stay float follow the
    device. FP16 and BF16 are honoured if theirs is the only narrow type, because some layers stay f32. AUTO requests
    nothing.

    >>> honoured("FP32", {"f32": 1.0}), honoured("FP16", {"bf16": 0.8, "f32": 0.2})
    (True, False)
    """
    if precision not in EXPECTED_TYPES or not executed:
        return True
    narrow = {kind for kind in executed if kind not in ("f32", "other")}
    if precision == "INT8":
        return "i8" in narrow
    return narrow == {EXPECTED_TYPES[precision]} - {"f32"}
