"""The types of fields: what a text must look like, and how the lake keeps it.

`extra={"lake": ...}` on a type says which columns a field becomes (see lake/schema.py). Patterns end in \\Z: Python's $
would let a line feed pass behind the text.
"""

from decimal import Decimal
from typing import Annotated

from msgspec import Meta

from contracts.when import DATE, DATE_OR_TIME

SubjectCode = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,64}\Z")]
Identifier = Annotated[str, Meta(pattern=r"^[^\x00-\x20\x7f]([^\x00-\x1f\x7f]{0,254}[^\x00-\x20\x7f])?\Z")]

Number = Annotated[Decimal, Meta(extra={"lake": "decimal"})]
DateOrMonth = Annotated[str, Meta(pattern=DATE, extra={"lake": "when"})]
DateOrTime = Annotated[str, Meta(pattern=DATE_OR_TIME, extra={"lake": "when"})]

MotherCode = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,64}\Z", extra={"lake": "mother"})]
ScanCode = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,64}\Z", extra={"lake": "scan"})]
RecordCode = Annotated[
    str,
    Meta(pattern=r"^[^\x00-\x20\x7f]([^\x00-\x1f\x7f]{0,254}[^\x00-\x20\x7f])?\Z", extra={"lake": "record"}),
]

Loinc = Annotated[str, Meta(pattern=r"^[0-9]{1,5}-[0-9]\Z", extra={"code": "loinc"})]
Ucum = Annotated[str, Meta(pattern=r"^[!-~]{1,24}\Z", extra={"code": "ucum"})]
Hpo = Annotated[str, Meta(pattern=r"^HP:[0-9]{7}\Z", extra={"code": "hpo"})]
ConditionCode = Annotated[
    str,
    Meta(pattern=r"^(ICD10:[A-Z][0-9]{2}(\.[0-9A-Z]{1,4})?|SNOMED:[0-9]{6,18}|HP:[0-9]{7})\Z"),
]
LabCode = Annotated[str, Meta(pattern=r"^[^\x00-\x1f\x7f]{1,64}\Z", extra={"lake": "listed"})]
"""The lab's own code or name of a test: kept only when it stands in the site's registered list."""
Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,39}\Z")]
"""The name of a model, an atlas or a version: no spaces, so no sentence fits in it."""
AlertId = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}\Z")]

Count = Annotated[int, Meta(ge=0, le=2_147_483_647)]
