"""Trying again: when, how often, with which pauses, and what is said in the end."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Sequence
from email.utils import formatdate
from unittest.mock import Mock, patch

from shelfwise import http
from shelfwise.http import client, sending
from shelfwise.http.answers import Answer, BadAnswer, NotSent, OutboundError, RefusedTarget, Unclear
from tests.shelfwise.http.servers import OutboundTestCase

NOT_SENT, UNCLEAR = NotSent("h", "refused"), Unclear("h", "hung up")
OK, GONE = Answer(200, {}, b""), Answer(503, {}, b"")
Came = Answer | OutboundError


class RetryTests(OutboundTestCase):
    def send(self, came: Sequence[Came], *, retries: int, total: float = 10.0) -> Came:
        """What comes of a call whose tries come to these. Nobody really waits."""
        self.pauses: list[float] = []
        self.now = 1000.0

        def sleep(seconds: float) -> None:
            self.pauses.append(seconds)
            self.now += seconds

        clock = Mock(monotonic=lambda: self.now, sleep=sleep, time=time.time)
        with (
            patch.object(client.Client, "exchange", side_effect=list(came)),
            patch.object(sending, "time", clock),
        ):
            try:
                return http.send("GET", "https://h/", retries=retries, total=total)
            except OutboundError as error:
                return error

    def test_without_retries_there_is_one_try(self) -> None:
        each: list[Came] = [OK, GONE, NOT_SENT, UNCLEAR]
        for came in each:
            self.assertIs(self.send([came], retries=0), came)
            self.assertEqual(self.pauses, [])

    def test_what_may_pass_is_tried_again(self) -> None:
        each: list[Came] = [NOT_SENT, UNCLEAR]
        each += [Answer(status, {}, b"") for status in (429, 502, 503, 504)]
        for came in each:
            self.assertIs(self.send([came, came, OK], retries=2), OK)
            self.assertEqual(len(self.pauses), 2)

    def test_what_will_not_pass_is_not(self) -> None:
        final: list[Came] = [RefusedTarget("h", "private"), BadAnswer("h", "too large")]
        final += [Answer(status, {}, b"") for status in (200, 302, 400, 404, 409, 422, 500, 501)]
        for came in final:
            self.assertIs(self.send([came, OK], retries=5), came)

    def test_the_last_try_is_what_is_told(self) -> None:
        self.assertIs(self.send([NOT_SENT, GONE], retries=1), GONE)
        self.assertIs(self.send([GONE, NOT_SENT], retries=1), NOT_SENT)

    def test_what_may_have_arrived_once_is_never_said_not_to_have(self) -> None:
        self.assertIs(self.send([UNCLEAR, NOT_SENT], retries=1), UNCLEAR)
        self.assertIs(self.send([UNCLEAR, GONE, NOT_SENT], retries=2), UNCLEAR)
        self.assertIs(self.send([UNCLEAR, OK], retries=1), OK)

    def test_a_refusal_after_it_may_have_arrived_is_unclear_too(self) -> None:
        refused = RefusedTarget("h", "private")
        self.assertIs(self.send([UNCLEAR, refused], retries=1), UNCLEAR)

    def test_the_pauses_are_random_and_grow(self) -> None:
        with patch.object(random, "uniform", lambda low, high: high):
            self.send([NOT_SENT] * 6, retries=5)
        self.assertEqual(self.pauses, [0.25, 0.5, 1, 2, 2])
        with patch.object(random, "uniform", lambda low, high: low):
            self.send([NOT_SENT] * 3, retries=2)
        self.assertEqual(self.pauses, [0, 0])

    def test_retry_after_is_waited_for_when_it_fits(self) -> None:
        self.assertIs(self.send([_later("3"), OK], retries=1), OK)
        self.assertEqual(self.pauses, [3])
        at = formatdate(time.time() + 4, usegmt=True)
        self.assertIs(self.send([_later(at), OK], retries=1), OK)
        self.assertAlmostEqual(self.pauses[0], 3.5, delta=0.6)

    def test_retry_after_that_does_not_fit_ends_it(self) -> None:
        for text in ("11", "9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT"):
            answer = _later(text)
            self.assertIs(self.send([answer, OK], retries=1), answer)
            self.assertEqual(self.pauses, [])

    def test_nonsense_in_retry_after_is_no_wait(self) -> None:
        for text in (
            "",
            "soon",
            "-5",
            "1.5",
            "٣",
            "Mon, 99 Foo 2026 00:00:00 GMT",
            " ",
            ",",
            "0 0 0",
        ):
            self.assertIs(self.send([_later(text), OK], retries=1), OK)
            self.assertLessEqual(self.pauses[0], 0.25)

    def test_no_try_begins_after_the_total(self) -> None:
        with patch.object(random, "uniform", lambda low, high: high):
            self.assertIs(self.send([NOT_SENT] * 9, retries=8, total=1.0), NOT_SENT)
        self.assertEqual(self.pauses, [0.25, 0.5])
        self.assertLess(math.fsum(self.pauses), 1.0)


def _later(text: str) -> Answer:
    return Answer(503, {"retry-after": text}, b"")
