"""The time of layers that each precision fuses in its own way, made comparable."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ocrbench.profiling.layers import LayerTime, execution_type

Names = Mapping[str, str]
# A type that takes less of a group's time is not named.
NAMED_SHARE = 0.1


@dataclass(frozen=True, kw_only=True)
class Spent:
    """Where a precision spent time on a group of operations.

    Attributes:
        milliseconds: Per input.
        executed: The types that ran, longest first: ``i8`` or ``i8 f32``.
        kernels: The plugin's names for the implementations, longest first.
    """

    milliseconds: float
    executed: str
    kernels: str


@dataclass(frozen=True, kw_only=True)
class Group:
    """Operations of the float model that no precision tells apart, because some precision fuses them.

    Attributes:
        operations: Names in the float model; empty for what belongs to no operation.
        kind: The type of the layer that took longest.
        spent: Precision → time; one that spent none is missing.
    """

    operations: frozenset[str]
    kind: str
    spent: Mapping[str, Spent]


def attribute(profiles: Mapping[str, Sequence[LayerTime]], names: Mapping[str, Names], inputs: int) -> list[Group]:
    """Put layers that were made of the same operations into one group.

    A conversion of layout or type counts to the layer that needs it, a quantiser to the layer that it belongs to. So
    the times of all groups add up to the time of the network.

    Args:
        profiles: Precision → its layers with the time of all inputs together.
        names: Precision → name of an operation in its model → name in the float model.
        inputs: How many there were.
    """
    placed = {
        precision: [(layer, operations_of(layer, names[precision], layers)) for layer in layers]
        for precision, layers in profiles.items()
    }
    found = _components(operations for layers in placed.values() for _, operations in layers if operations)
    members: dict[frozenset[str] | str, dict[str, list[LayerTime]]] = {}
    for precision, layers in placed.items():
        for layer, operations in layers:
            if layer.microseconds:
                key = found[next(iter(operations))] if operations else layer.kind
                members.setdefault(key, {}).setdefault(precision, []).append(layer)
    return [_group(key, layers, inputs) for key, layers in members.items()]


def operations_of(layer: LayerTime, names: Names, layers: Iterable[LayerTime]) -> frozenset[str]:
    """Name the operations of the float model that a layer was made of."""
    found = frozenset(names[name] for each in layer.originals if (name := each.partition("/fq_")[0]) in names)
    if found or layer.originals or layer.kind != "Reorder":
        return found
    # The CPU plugin names a conversion after both its ends: producer_formats_consumer.
    after = [each for each in layers if each.originals and layer.name.endswith(f"_{each.name}")]
    consumer = max(after, key=lambda each: len(each.name), default=None)
    return operations_of(consumer, names, ()) if consumer else found


def _components(sets: Iterable[frozenset[str]]) -> dict[str, frozenset[str]]:
    """Join sets that share a member; each member is given its joined set."""
    joined: dict[str, frozenset[str]] = {}
    for members in sets:
        union = members.union(*(joined[name] for name in members if name in joined))
        joined.update(dict.fromkeys(union, union))
    return joined


def _group(key: frozenset[str] | str, layers: Mapping[str, Sequence[LayerTime]], inputs: int) -> Group:
    longest = max((each for members in layers.values() for each in members), key=lambda each: each.microseconds)
    return Group(
        operations=frozenset() if isinstance(key, str) else key,
        kind=longest.kind,
        spent={precision: _spent(members, inputs) for precision, members in layers.items()},
    )


def _spent(layers: Sequence[LayerTime], inputs: int) -> Spent:
    types: Counter[str] = Counter()
    kernels: Counter[str] = Counter()
    for layer in layers:
        types[execution_type(layer.exec_type)] += layer.microseconds
        kernels[layer.exec_type] += layer.microseconds
    total = sum(types.values())
    return Spent(
        milliseconds=total / 1000 / inputs,
        executed=" ".join(kind for kind, time in types.most_common() if time >= NAMED_SHARE * total),
        kernels=" ".join(kernel for kernel, _ in kernels.most_common()),
    )
