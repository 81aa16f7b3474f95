"""One JSON object a line, whatever is logged."""

import logging
from datetime import datetime, timedelta

from django.test import SimpleTestCase

from tests.shelfwise.observability.capture import logged_lines

logger = logging.getLogger("tests.logs")


class LineTests(SimpleTestCase):
    def test_says_what_and_when_and_how_bad(self) -> None:
        with logged_lines() as lines:
            logger.warning("%d books", 3)
        (line,) = lines
        self.assertEqual(
            {name: line[name] for name in ("event", "level", "logger")},
            {"event": "3 books", "level": "warning", "logger": "tests.logs"},
        )
        self.assertEqual(datetime.fromisoformat(line["timestamp"]).utcoffset(), timedelta(0))

    def test_extras_are_members(self) -> None:
        with logged_lines() as lines:
            logger.info("imported", extra={"rows": 3, "file": "a.csv"})
        self.assertEqual((lines[0]["rows"], lines[0]["file"]), (3, "a.csv"))

    def test_an_exception_is_in_the_line_with_its_traceback(self) -> None:
        with logged_lines() as lines:
            try:
                raise ValueError("two\nlines")
            except ValueError:
                logger.exception("failed")
        (line,) = lines
        self.assertEqual(line["event"], "failed")
        self.assertIn("Traceback (most recent call last)", line["exception"])
        self.assertIn("ValueError: two\nlines", line["exception"])

    def test_line_breaks_do_not_make_another_line(self) -> None:
        with logged_lines() as lines:
            logger.info('title: a\nb\r\n{"event": "forged"}')
        self.assertEqual([line["event"] for line in lines], ['title: a\nb\r\n{"event": "forged"}'])

    def test_no_line_is_lost(self) -> None:
        with logged_lines() as lines:
            logger.info("file %s", "\udc80.csv")
            logger.info("odd", extra={"object": {1}, "big": 2**70, "counts": {20: 1}, "raw": b"x"})
        self.assertEqual([line["event"] for line in lines], ["file ?.csv", "odd"])

    def test_an_api_key_is_cut_wherever_it_stands(self) -> None:
        issued = f"swk_{'0a' * 16}_"
        key = issued + "1b" * 40
        with logged_lines() as lines:
            logger.info("no header: %r", f"Authorization Bearer {key}", extra={"path": f"/{key}/a"})
        (line,) = lines
        self.assertEqual(line["event"], f"no header: 'Authorization Bearer {issued}…'")
        self.assertEqual(line["path"], f"/{issued}…/a")

    def test_nobody_below_the_root_writes_in_a_way_of_its_own(self) -> None:
        writers = [
            (name, handler)
            for name, one in logging.root.manager.loggerDict.items()
            for handler in getattr(one, "handlers", [])
            if not isinstance(handler, logging.NullHandler)
        ]
        self.assertEqual(writers, [])

    def test_the_level_holds_for_django_too(self) -> None:
        # The tests' level is CRITICAL; of Django's own, `django.request` alone keeps ERROR.
        of_django = logging.getLogger("django.security.DisallowedHost")
        self.assertFalse(of_django.isEnabledFor(logging.ERROR))
