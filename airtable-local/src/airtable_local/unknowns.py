"""What Airtable's documentation leaves open, each as a field, so that a test can run under every answer."""

from __future__ import annotations

from datetime import timedelta
from enum import Enum

from attrs import frozen


class MissingRecord(Enum):
    """The answers that have been seen for a record that does not exist. A missing permission looks the same."""

    FORBIDDEN = "403 INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND"
    MODEL_ID_NOT_FOUND = "404 MODEL_ID_NOT_FOUND"
    NOT_FOUND = "404 NOT_FOUND"


@frozen(kw_only=True)
class Unknowns:
    """The defaults are what most reports agree on, or else what is harder for a client."""

    missing_record_status: MissingRecord = MissingRecord.FORBIDDEN
    """Answer to GET, PATCH, PUT and DELETE of one missing record; a batch always gets 422 ROW_DOES_NOT_EXIST."""
    text_equals_ignores_case: bool = False
    """Whether `=` in a formula finds "ACME" for "acme"; EXACT never does."""
    text_equals_its_number: bool = False
    """Whether `=` in a formula finds the text "123" for the number 123."""
    literals_carry_line_breaks: bool = True
    """Whether text in a formula may have raw line breaks and tabs; if not, it equals nothing."""
    fractional_created_time: bool = False
    """Whether createdTime has milliseconds."""
    trims_text: bool = False
    """Whether white space is stripped from both ends of text."""
    rounds_numbers_to_precision: bool = False
    """Whether a number is rounded to the precision of its field."""
    rich_text_adds_newline: bool = False
    """Whether rich text is returned with a line break added at its end."""
    lists_see_writes_after: timedelta = timedelta(0)
    """How long lists and filters show the table without an acknowledged write."""
    pages_are_a_snapshot: bool = True
    """Whether all pages show the list as it was at the first page; if not, as it is now, with gaps and repetitions."""
    retry_after_on_429: bool = False
    """Whether a 429 for the rate has a Retry-After header, in seconds."""
    plural_429_body: bool = False
    """Whether the body of that 429 is `{"errors": [{"error": …}]}` instead of `{"error": {"type": …}}`."""
