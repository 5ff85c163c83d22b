"""By which rate runs with many images in flight are judged."""

from ocrbench.records import RunRecord


def rate_metric(record: RunRecord) -> str:
    """Name the rate that a run is judged by; empty where that is its latency.

    A server's rate is what it was found to serve, if it was searched for; else it is what the user asked for.
    """
    scenario = record.config["scenario"]
    searched = scenario["name"] == "server" and scenario["options"].get("search")
    return "throughput_ips" if scenario["name"] == "throughput" else "server_rate_ips" if searched else ""


def shared_rate(one: RunRecord, other: RunRecord) -> str:
    """Name the rate that both runs are judged by; empty where there is none."""
    rates = {rate_metric(record) for record in (one, other)}
    return rates.pop() if len(rates) == 1 else ""
