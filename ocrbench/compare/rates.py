"""By which rate runs with many images in flight are judged."""

from ocrbench.runs.run import Run


def rate_metric(run: Run) -> str:
    """Name the rate that a run is judged by; empty where that is its latency.

    A server's rate is what it was found to serve, if it was searched for; else it is what the user asked for.
    """
    scenario = run.config["scenario"]
    searched = scenario["name"] == "server" and scenario["options"].get("search")
    return "throughput_ips" if scenario["name"] == "throughput" else "server_rate_ips" if searched else ""


def shared_rate(one: Run, other: Run) -> str:
    """Name the rate that both runs are judged by; empty where there is none."""
    rates = {rate_metric(run) for run in (one, other)}
    return rates.pop() if len(rates) == 1 else ""
