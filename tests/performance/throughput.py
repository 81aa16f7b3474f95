"""Requests per second: the load generator's rounds, and the proof that both servers do the same."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict

from shelfwise.devservers.datafolder import PROJECT
from shelfwise.devservers.processes import StartError
from tests.performance.client import Reply
from tests.performance.cores import pinned
from tests.performance.effort import Effort
from tests.performance.harness import Bench, Server
from tests.performance.load import TOKEN_VARIABLE, Plan, Result


class UnfitError(StartError):
    """What was answered is not what is to be measured."""


def uncached(reply: Reply) -> Reply:
    """The reply, unless it came from a cache; then UnfitError."""
    if reply.head.header("X-Cache") == "hit":
        raise UnfitError("an answer came from a cache, and the figures are the database's.")
    return reply


def same_answers(bench: Bench, tenant: str, paths: list[str]) -> None:
    """Raises UnfitError unless both servers answer with equal `results`, digit for digit."""
    with bench.client(tenant) as ours, bench.client(tenant, bench.original) as theirs:
        for path in paths:
            answer, expected = (uncached(client.get(path)).json() for client in (ours, theirs))
            if answer["results"] != expected["results"]:
                raise UnfitError(f"ShelfWise and the original design differ on {path}.")


def body_bytes(bench: Bench, server: Server, tenant: str, path: str) -> int:
    """How long the server's answer is."""
    with bench.client(tenant, server) as client:
        return uncached(client.get(path)).head.body_bytes


def rate(bench: Bench, plan: Plan, tenant: str, core: int | None = None) -> float:
    """Good replies per second in one round. Raises UnfitError at the first reply that is not.

    The generator runs on the processor that is for it, or on another `core`.
    """
    with pinned(bench.placement.load if core is None else core):
        done = subprocess.run(
            [sys.executable, "-m", "tests.performance.load", json.dumps(asdict(plan))],
            cwd=PROJECT,
            env={**bench.environment, TOKEN_VARIABLE: bench.tokens[tenant]},
            capture_output=True,
            text=True,
            timeout=plan.seconds + plan.patience_s + 30,
            check=True,
        )
    result = Result(**json.loads(done.stdout))
    if result.errors or not result.answered:
        raise UnfitError(f"port {plan.port}, {plan.path}: {result.errors or 'no answer'}")
    return result.rate


def alternating(
    bench: Bench, servers: list[Server], tenant: str, path: str, effort: Effort
) -> list[list[float]]:
    """The servers' rates, round after round: one list a server.

    The servers share a processor and take turns on it, so that a slow spell of the machine falls
    on all of them. The round that warms up is for pools, statements and compiled SQL.
    """
    plans = [
        Plan(
            server.port,
            path,
            body_bytes(bench, server, tenant, path),
            effort.connections,
            effort.round_seconds,
        )
        for server in servers
    ]
    return taking_turns(bench, [(plan, tenant) for plan in plans], effort)


def taking_turns(
    bench: Bench, plans: Sequence[tuple[Plan, str]], effort: Effort
) -> list[list[float]]:
    """The rates of plans, each with its tenant, round after round: one list a plan.

    A round before the first warms up.
    """
    rates: list[list[float]] = [[] for _ in plans]
    for _ in range(1 + effort.rounds):
        for (plan, tenant), measured in zip(plans, rates, strict=True):
            measured.append(rate(bench, plan, tenant))
    return [measured[1:] for measured in rates]
