"""What API keys and webhook endpoints may be called."""

from typing import Final

from django.core.validators import RegexValidator

ONE_LINE: Final = RegexValidator(
    r"^[^\x00-\x1f\x7f-\x9f]*\Z", "One line is needed, without control characters."
)
"""Logs, lists and messages show a name as it is."""
