"""Keys that earlier versions had: what to use instead, and what they mean in a stored run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ocrbench.config.stage import ROLES


@dataclass(frozen=True, kw_only=True)
class Retired:
    """A key that ocrbench no longer has.

    Attributes:
        instead: What to use instead; for users who still give the key.
        renamed: Today's name of the key; empty if nothing took its place.
        defaults: Its former defaults, which are how ocrbench behaves today; by scenario where they differed. None if it
            did not decide what was measured, so that a stored value does not matter.
        today: Keys of the same section, with the values that say today what the former defaults said.
    """

    instead: str
    renamed: str = ""
    defaults: tuple[Any, ...] | Mapping[str, tuple[Any, ...]] | None = ()
    today: Mapping[str, Any] = field(default_factory=dict)


def _renamed(key: str) -> Retired:
    return Retired(instead=f"renamed; use {key}", renamed=key)


_BLOCKS = "removed, leave it out; each scenario knows how many images to measure in one go"
_PINNED = Retired(instead="removed; ocrbench pins what the zoo's tools need", defaults=None)
_REWRITE = Retired(
    instead="removed; use folding.rewrites=all or folding.rewrites=none, for all rewrites together",
    defaults=(True,),
    today={"rewrites": "all"},
)

_SMOOTH = Retired(instead="removed; NNCF's own default holds", defaults=(-1, 0.95))

RETIRED: Mapping[str, Retired] = {
    "max_drop": Retired(
        instead="removed; gate=accuracy limits what ocrbench conversion, ab and compare may find lost, and "
        "quantization.max_drop what quantization=accuracy_control may lose",
        defaults=None,
    ),
    "noise.involuntary_switches": Retired(
        instead="removed, as OpenVINO's own threads cause most of them; runs still record how many there were",
        defaults=None,
    ),
    "omz.num_attempts": Retired(instead="removed; a download is tried five times", defaults=None),
    "omz.requirements": _PINNED,
    "omz.pytorch_requirements": _PINNED,
    "omz.pip_options": Retired(
        instead="removed; use pip's own configuration, for example the variable PIP_INDEX_URL or PIP_EXTRA_INDEX_URL",
        defaults=None,
    ),
    "quantization.ranking_images": Retired(
        instead="removed, leave it out; layers are ranked on 16 of quantization.validation_images", defaults=(16,)
    ),
    **{f"{role}.quantization.smooth_quant_{kind}": _SMOOTH for role in ROLES for kind in ("convolution", "matmul")},
    "scenario.block_images": Retired(
        instead=_BLOCKS, defaults={"latency": (8,), "throughput": (128,), "server": (64,), "mlperf": (1_000_000,)}
    ),
    "scenario.block_queries": Retired(
        instead=_BLOCKS, defaults={"latency": (1,), "throughput": (128,), "server": (500,), "mlperf": (1,)}
    ),
    "scenario.performance_hint": Retired(
        instead="removed; use properties.PERFORMANCE_HINT",
        defaults={
            "latency": ("LATENCY",),
            "throughput": ("THROUGHPUT",),
            "server": ("THROUGHPUT",),
            "mlperf": ("LATENCY", "THROUGHPUT"),
        },
    ),
    "scenario.streams": Retired(instead="removed; use properties.NUM_STREAMS", defaults=(None,)),
    "scenario.threads": Retired(instead="removed; use properties.INFERENCE_NUM_THREADS", defaults=(None,)),
    "scenario.pinning": Retired(
        instead="removed; use properties.ENABLE_CPU_PINNING",
        defaults={"throughput": (False,), "server": (False,), "mlperf": (None, False)},
    ),
    "scenario.tolerance": Retired(instead="removed, leave it out; a search comes as close as 5 %", defaults=(0.05,)),
    "scenario.samples_per_query": Retired(
        instead="removed, leave it out; MLPerf's rules say 8 for MultiStream", defaults=(8,)
    ),
    "scenario.loaded_images": Retired(instead="removed, leave it out; 64 images are in memory at once", defaults=(64,)),
    "scenario.warmup_passes": Retired(
        instead="removed; images are timed at their first reading, after scenario.warmup_images others",
        defaults={"latency": (1,), "throughput": (2,), "server": (2,), "mlperf": (2,)},
    ),
    "words.trim": _renamed("detector.slack"),
    "lines.trim": _renamed("detector.line_slack"),
    "words.margin": Retired(
        instead="removed, leave it out; words reach half a character beyond the middles of their outer ones",
        defaults=(0.5,),
    ),
    "folding.argmax": Retired(
        instead="removed, leave it out; networks always choose the best class of each step themselves", defaults=(True,)
    ),
    "folding.preprocess": Retired(
        instead="removed, leave it out; networks always normalise images themselves", defaults=(True,)
    ),
    "folding.enlarge_last": _REWRITE,
    "folding.split_concatenations": _REWRITE,
    "folding.simplify_gates": _REWRITE,
    "folding.detector_shapes": _renamed("folding.detector_networks"),
    "folding.shapes": _renamed("folding.recognizer_networks"),
}

# Values that a key no longer takes → what to use instead.
RETIRED_VALUES: Mapping[str, str] = {
    "recognizer.shapes=dynamic": "removed, as it saved 1 % of a latency; use recognizer.shapes=bucketed, "
    "with a smaller recognizer.width_step for narrower batches",
}


def modernised(config: Mapping[str, Any]) -> dict[str, Any]:
    """Translate the configuration of a stored run into today's keys.

    Renamed keys get their new names. Retired ones are dropped where they did not matter or had their former default, so
    that the run is of the same cell as one of today. Those with other values stay: the run is of a cell that is no
    longer measured.

    >>> modernised({"folding": {"shapes": 48}})
    {'folding': {'recognizer_networks': 48}}
    """
    today = _copied(config)
    scenario = _section(today, "scenario").get("name", "")
    for key, retired in RETIRED.items():
        section, name = _holder(today, key), key.rpartition(".")[2]
        if section is None:
            continue
        defaults = retired.defaults
        if isinstance(defaults, Mapping):
            defaults = defaults.get(scenario, ())
        if retired.renamed:
            renamed = retired.renamed.rpartition(".")
            _section(today, renamed[0])[renamed[2]] = section.pop(name)
        elif defaults is None or section[name] in defaults:
            del section[name]
            for other, value in retired.today.items():
                section.setdefault(other, value)
    # A section of retired keys alone is gone as well.
    return {key: value for key, value in today.items() if value != {} or not config.get(key)}


def _copied(config: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _copied(value) if isinstance(value, Mapping) else value for key, value in config.items()}


def _holder(config: dict[str, Any], key: str) -> dict[str, Any] | None:
    """Find the section that holds a key, if it is there; those of a scenario or a family are among its options."""
    path, _, name = key.rpartition(".")
    for place in (path, f"{path}.options"):
        section = _section(config, place)
        if name in section:
            return section
    return None


def _section(config: dict[str, Any], path: str) -> dict[str, Any]:
    """Return a section; an empty one where there is none."""
    section = config
    for part in filter(None, path.split(".")):
        inner = section.get(part)
        section = inner if isinstance(inner, dict) else {}
    return section
