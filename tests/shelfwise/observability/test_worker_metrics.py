"""`/metrics` of a job worker: what is enqueued, what it has done, and to whom it tells that."""

from __future__ import annotations

import socket
import time
from unittest import mock

from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.test import SimpleTestCase, override_settings
from procrastinate.contrib.django import app

from orders.tasks import settle_payment
from shelfwise.ids import uuid7
from shelfwise.jobs import job
from shelfwise.observability import worker_metrics
from shelfwise.observability.worker_metrics import metrics_served
from tests.jobs import let_time_pass, running_worker
from tests.server import HOST, forget_jobs, free_port
from tests.shelfwise.observability.test_metrics import TOKEN, read
from tests.shelfwise.test_jobs import enqueue


class FiguresTests(SimpleTestCase):
    """Its thread has a connection of its own, so that jobs are committed."""

    databases = {"default"}

    def setUp(self) -> None:
        self.addCleanup(forget_jobs)
        self.enterContext(override_settings(METRICS_TOKEN=TOKEN))
        self.port = free_port()
        self.enterContext(metrics_served(self.port))

    def lines(self) -> list[str]:
        status, text = read(f"http://{HOST}:{self.port}/metrics", TOKEN)
        self.assertEqual(status, 200)
        return text.splitlines()

    def test_what_is_enqueued_and_what_is_in_trouble(self) -> None:
        self.assertIn("shelfwise_jobs_in_trouble 0.0", self.lines())
        enqueue(status="failed")
        enqueue(queue="webhooks")
        enqueue(queue="webhooks")
        lines = self.lines()
        self.assertIn('shelfwise_jobs{queue="housekeeping",status="failed"} 1.0', lines)
        self.assertIn('shelfwise_jobs{queue="webhooks",status="todo"} 2.0', lines)
        self.assertIn("shelfwise_jobs_in_trouble 1.0", lines)
        let_time_pass(301)
        self.assertIn("shelfwise_jobs_in_trouble 3.0", self.lines())

    def test_what_has_run_and_what_has_failed(self) -> None:
        def counted_here(fails: str) -> None:
            if fails:
                raise LookupError

        made = job(queue="housekeeping")(counted_here)
        self.addCleanup(app.tasks.pop, made.name)
        made(fails="")
        with self.assertRaises(LookupError):
            made(fails="yes")
        lines = self.lines()
        self.assertIn('shelfwise_job_seconds_count{job="counted_here"} 2.0', lines)
        self.assertIn('shelfwise_job_failures_total{job="counted_here"} 1.0', lines)

    def test_without_the_database_its_own_figures_are_told(self) -> None:
        with mock.patch.object(worker_metrics, "counts", side_effect=OperationalError):
            text = "\n".join(self.lines())
        self.assertNotIn("\nshelfwise_jobs", text)
        self.assertIn("shelfwise_outbound_calls", text)

    def test_only_who_has_the_token_is_answered(self) -> None:
        for path, token in (
            ("metrics", ""),
            ("metrics", f"{TOKEN}x"),
            ("", TOKEN),
            ("jobs", TOKEN),
        ):
            with self.subTest(path, token=token):
                self.assertEqual(read(f"http://{HOST}:{self.port}/{path}", token), (404, ""))
        with override_settings(METRICS_TOKEN=""):
            self.assertEqual(read(f"http://{HOST}:{self.port}/metrics", ""), (404, ""))

    def test_who_says_nothing_is_let_go_and_delays_nobody(self) -> None:
        with (
            mock.patch.object(worker_metrics._Handler, "timeout", 0.5),
            socket.create_connection((HOST, self.port), timeout=5) as silent,
        ):
            self.lines()
            self.assertEqual(silent.recv(1), b"")

    def test_a_port_that_is_taken(self) -> None:
        says = f"METRICS_PORT is {self.port}: Address already in use."
        refused = self.assertRaisesMessage(CommandError, says)
        with override_settings(METRICS_PORT=self.port), refused:
            call_command("work")

    def test_a_real_worker(self) -> None:
        port = free_port()
        with running_worker(METRICS_TOKEN=TOKEN, METRICS_PORT=str(port)):
            # None that the clock enqueues too.
            settle_payment.later(tenant=str(uuid7()), payment=str(uuid7()))
            wanted, text = 'shelfwise_job_seconds_count{job="settle_payment"} 1.0', ""
            deadline = time.monotonic() + 30
            while wanted not in text and time.monotonic() < deadline:
                time.sleep(0.05)
                _, text = read(f"http://{HOST}:{port}/metrics", TOKEN)
            self.assertIn(wanted, text)
        with self.assertRaises(OSError):
            socket.create_connection((HOST, port), timeout=1)
