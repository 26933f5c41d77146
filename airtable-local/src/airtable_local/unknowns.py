"""What Airtable's documentation leaves open, each as a switch, so that a test can run under either answer."""

from __future__ import annotations

from datetime import timedelta
from enum import Enum

from attrs import frozen


class MissingRecord(Enum):
    """The answers seen for the URL of one record that does not exist; they cannot be told from a lost permission."""

    FORBIDDEN = "403 INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND"
    MODEL_ID_NOT_FOUND = "404 MODEL_ID_NOT_FOUND"
    NOT_FOUND = "404 NOT_FOUND"


@frozen(kw_only=True)
class Unknowns:
    """The defaults are what most reports agree on, or what asks more of a client."""

    missing_record_status: MissingRecord = MissingRecord.FORBIDDEN
    """Answer to GET, PATCH, PUT and DELETE of one missing record; a batch always gets 422 ROW_DOES_NOT_EXIST."""
    text_equals_ignores_case: bool = False
    """Whether `=` in a formula finds "ACME" for "acme"; EXACT never does."""
    text_equals_its_number: bool = False
    """Whether `=` in a formula finds the text "123" for the number 123."""
    literals_carry_line_breaks: bool = True
    """Whether text in a formula may have raw line breaks and tabs; if not, it is equal to nothing."""
    fractional_created_time: bool = False
    """Whether createdTime has milliseconds."""
    trims_text: bool = False
    """Whether white space at the ends of text is lost."""
    rounds_numbers_to_precision: bool = False
    """Whether a number is stored with the decimals of its field only."""
    rich_text_adds_newline: bool = False
    """Whether rich text comes back with one more line break."""
    lists_see_writes_after: timedelta = timedelta(0)
    """How long lists and filters still show the table as it was before an acknowledged write."""
    pages_are_a_snapshot: bool = True
    """Whether later pages show the listing as it was at the first, or as it is now, with gaps and repetitions."""
    retry_after_on_429: bool = False
    """Whether a refusal for its rate says in Retry-After how many seconds to wait."""
    plural_429_body: bool = False
    """Whether that refusal is `{"errors": [{"error": …}]}` instead of `{"error": {"type": …}}`."""
