"""Ways to feed images to an engine. Nothing here logs or reports: these are the timed regions.

To add a scenario: write ``scenarios/<name>.py``, register it in ``SCENARIOS``, and describe it in ``conf/scenario/``.
"""

from ocrbench.config.checking import closest, validate
from ocrbench.config.schema import Scenario
from ocrbench.errors import ConfigError
from ocrbench.scenarios import latency, mlperf, server, throughput
from ocrbench.scenarios.interface import Kind, Setup

SCENARIOS: dict[str, Kind] = {
    "latency": latency.KIND,
    "throughput": throughput.KIND,
    "server": server.KIND,
    "mlperf": mlperf.KIND,
}
# The one that tables for people need not mention.
DEFAULT = next(iter(SCENARIOS))


def setup_of(scenario: Scenario) -> Setup:
    """Check the scenario's own keys.

    Raises:
        ConfigError: The scenario does not exist, one of its keys is wrong, or it needs a missing package.
    """
    if scenario.name not in SCENARIOS:
        message = f"scenario.name={scenario.name}: no such scenario; {closest(scenario.name, SCENARIOS)}"
        raise ConfigError(message)
    setup = validate(SCENARIOS[scenario.name].setup, scenario.options, "scenario")
    setup.check()
    return setup
