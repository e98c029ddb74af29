"""What a site answers, and what it takes back."""

from typing import Literal

from contracts.fields import AlertId, DateOrMonth, Name, RecordCode
from contracts.kinds.base import Data, Kind


class Confirmation(Data, frozen=True, kw_only=True):
    """A question answered: the value is true as reported."""

    target_kind: Kind
    """Kind of the record that was asked about."""
    target_record: RecordCode
    """`record` of the event that was asked about."""
    rule: Name
    """The rule that asked."""
    reason: Literal["checked_source", "repeated_measurement", "known_condition", "assay_verified"]
    """Why it is true."""
    until: DateOrMonth | None = None
    """The confirmation holds until then; for good when absent."""


class Acknowledgement(Data, frozen=True, kw_only=True):
    """An alert was seen and is being dealt with."""

    alert: AlertId
    """Id of the alert."""
    reason: Literal["treated", "retested", "referred", "known", "false_alarm"]
    """What was done."""
    until: DateOrMonth | None = None
    """Do not remind before then."""


class Retraction(Data, frozen=True, kw_only=True):
    """An earlier record was wrong and is taken back. A later event of the same record revives it."""

    target_kind: Kind
    """Kind of the record that is taken back."""
    target_record: RecordCode
    """`record` of the event that is taken back; its id when it had none."""
    reason: Literal["entered_in_error", "wrong_subject", "duplicate_entry", "source_deleted", "numbers_restarted"]
    """Why it is taken back."""
