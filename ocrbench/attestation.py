"""Whether the precision that ran is the one that was asked for."""

import logging
from collections.abc import Mapping
from typing import Any

from ocrbench.config.schema import EXPECTED_TYPES, Cell
from ocrbench.errors import DeviceError

log = logging.getLogger(__name__)


def judged(cell: Cell, execution: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Compare what ran with what was asked for; warn or fail as the cell wants it.

    Args:
        cell: ``attest`` says what to do about a difference.
        execution: Per stage and network, see ``runtime.Execution``.

    Returns:
        The same with ``honoured`` added to each network.

    Raises:
        DeviceError: With ``attest=strict``, where another precision ran.
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
    """Tell whether the precision that ran is the one that was asked for.

    FP32 is honoured if nothing ran in a narrower type. INT8 is honoured if i8 ran: what stays float follows the device.
    FP16 and BF16 are honoured if theirs is the only narrow type, since what cannot be narrowed stays f32. AUTO asks for
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
