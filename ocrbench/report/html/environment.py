"""What is needed to measure a run again: machine, versions, settings, models, data, and the command."""

from collections.abc import Mapping
from typing import Any

from ocrbench.report.html.command import command
from ocrbench.report.html.model import Report
from ocrbench.runs.run import Run


def build(report: Report) -> Mapping[str, Any]:
    """List what all runs share, what differs in which runs, and each run's command, models and data."""
    every = [_facts(run) for run in report.runs]
    shared = dict(set.intersection(*(set(facts.items()) for facts in every))) if every else {}
    found: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for run, facts in zip(report.runs, every, strict=True):
        own = tuple((name, fact) for name, fact in facts.items() if name not in shared)
        found.setdefault(own, []).append(run.label)
    return {
        "shared": [(name, fact) for name, fact in every[0].items() if name in shared] if every else [],
        "different": [{"facts": own, "labels": labels} for own, labels in found.items()] if len(found) > 1 else [],
        "runs": [_run(run) for run in report.runs],
    }


def _facts(run: Run) -> dict[str, str]:
    """Return the facts that do not change from run to run on a machine."""
    environment, conditions = run.environment, run.conditions
    host, versions = environment.get("host", {}), environment.get("versions", {})
    git = conditions.get("git", {})
    commit = f"{git['commit']}{' with uncommitted changes' if git.get('dirty') else ''}" if git else ""
    limits = {name: limit for name, limit in conditions.get("container", {}).items() if limit is not None}
    facts = {
        "Machine": host.get("name", ""),
        "Processor": host.get("cpu", ""),
        "Cores": host.get("cores", ""),
        "Memory": f"{host['memory_bytes'] / 1e9:.1f} GB" if "memory_bytes" in host else "",
        "Instructions": ", ".join(host.get("cpu_flags", ())),
        "Virtual machine": host.get("virtual", ""),
        "System": host.get("os", ""),
        "Governor": conditions.get("governor", ""),
        "Turbo": conditions.get("turbo", ""),
        "Container": ", ".join(f"{name} {limit}" for name, limit in limits.items()),
        "Variables": ", ".join(f"{name}={given}" for name, given in environment.get("variables", {}).items()),
        "Versions": ", ".join(f"{name} {version}" for name, version in versions.items()),
        "ocrbench's source": environment.get("source", ""),
        "Commit of the folder": commit,
    }
    return {name: str(fact) for name, fact in facts.items() if fact != ""}


def _run(run: Run) -> dict[str, Any]:
    dataset = run.config["dataset"]
    fingerprint = run.dataset_sha256 or "unknown"
    data = f"{dataset['name']} {dataset.get('version', '')}".rstrip()
    facts = {
        "Run": run.run_id,
        "Started": run.started,
        "Data": f"{data}, {dataset['format']}, {dataset['root']}, fingerprint {fingerprint}",
        **{
            f"Model: {role}" + (f", {name}" if len(networks) > 1 else ""): _artifact(artifact)
            for role, networks in run.artifacts.items()
            for name, artifact in networks.items()
        },
        "Disturbances": _disturbances(run),
    }
    return {
        "label": run.label,
        "facts": [(name, fact) for name, fact in facts.items() if fact],
        "command": command(run),
    }


def _artifact(artifact: Mapping[str, Any]) -> str:
    size = f"{artifact['size_bytes'] / 1e6:.1f} MB"
    return f"{artifact['source']}, as {artifact['precision']} {size}, SHA-256 {artifact['sha256']}"


def _disturbances(run: Run) -> str:
    conditions = run.conditions
    shares = {"CPU taken by the hypervisor": "steal_share", "CPU used by others": "other_cpu_share"}
    told = [f"{name} {conditions[key]:.1%}" for name, key in shares.items() if conditions.get(key) is not None]
    if conditions.get("drift") is not None:
        told.append(f"latency changed by {conditions['drift'] - 1:+.1%} from the first to the last repeat")
    return ", ".join(told)
