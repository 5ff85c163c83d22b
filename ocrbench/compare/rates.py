"""The rate by which runs with many images in flight are judged."""

from ocrbench.runs.run import Run


def rate_metric(run: Run) -> str:
    """Name the rate that judges a run; empty if its latency judges it.

    A server's rate counts only if it was searched for; otherwise the user chose it.
    """
    scenario = run.config["scenario"]
    searched = scenario["name"] == "server" and scenario["options"].get("search")
    return "throughput_ips" if scenario["name"] == "throughput" else "server_rate_ips" if searched else ""


def shared_rate(one: Run, other: Run) -> str:
    """Name the rate that judges both runs; empty if there is none."""
    rates = {rate_metric(run) for run in (one, other)}
    return rates.pop() if len(rates) == 1 else ""
