"""Whether the requested precision ran."""

import logging
from collections.abc import Mapping
from typing import Any

from ocrbench.config.schema import Cell
from ocrbench.errors import DeviceError
from ocrbench.precisions import honoured

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
