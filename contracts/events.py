"""The fifteen kinds of event, as CloudEvents 1.0 JSON objects in structured mode.

The docstring under a field is its entry in the data dictionary: the JSON Schemas, AsyncAPI, the column
comments of the lake and the dictionary page are made from it. What a code may be stands in `contracts/tables`.
"""

from datetime import datetime
from typing import Annotated, Literal, get_args

from msgspec import UNSET, Meta, Struct, UnsetType, field

from contracts.fields import (
    AlertId,
    ConditionCode,
    Count,
    DateOrMonth,
    DateOrTime,
    Hpo,
    Identifier,
    LabCode,
    Loinc,
    MotherCode,
    Name,
    Number,
    RecordCode,
    ScanCode,
    SubjectCode,
    Ucum,
)

Kind = Literal[
    "enrolment",
    "lab_result",
    "milestone",
    "assessment",
    "dose",
    "feeding",
    "symptom",
    "condition",
    "growth",
    "imaging",
    "status",
    "consent",
    "confirmation",
    "acknowledgement",
    "retraction",
]
KINDS: tuple[str, ...] = get_args(Kind)

Person = Literal["infant", "mother", "comparator"]


class Data(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What every kind's `data` has in common: unknown fields are refused, absent ones are left out."""


class Enrolment(Data, frozen=True, kw_only=True):
    """A subject enters the registry. One current enrolment per subject; it must exist before anything counts."""

    person: Literal["infant", "comparator"]
    """Whom the subject code names: the infant, or a comparator who is not followed."""
    birth: DateOrMonth
    """Date of birth, to the day or to the month."""
    sex: Literal["female", "male", "unknown"]
    """Sex recorded at birth."""
    group: Literal["suspected", "screened", "control", "sibling", "comparator"]
    """Why the subject is in the registry."""
    route: Literal["symptoms", "risk_screening", "newborn_screening", "sibling"] | None = None
    """How the subject was found."""
    gestation_weeks: Annotated[int, Meta(ge=20, le=45)] | None = None
    """Completed weeks of gestation at birth."""
    gestation_days: Annotated[int, Meta(ge=0, le=6)] | None = None
    """Days beyond the completed weeks of gestation."""
    birth_weight_g: Number | None = None
    """Weight at birth in g."""
    plurality: Annotated[int, Meta(ge=1, le=8)] | None = None
    """Number of infants born together."""
    mother: MotherCode | None = None
    """The site's code for the mother, hashed at the door: siblings and twins share it."""
    enrolled: DateOrMonth | None = None
    """When the subject entered the registry."""
    diagnosed: DateOrMonth | None = None
    """When deficiency was diagnosed."""
    symptom_onset: DateOrMonth | None = None
    """When the first symptom was noticed."""


class LabResult(Data, frozen=True, kw_only=True):
    """One result of one laboratory test."""

    person: Person
    """From whom the specimen came."""
    loinc: Loinc
    """LOINC code of the test; it fixes whether the unit is one of mass or of substance."""
    local_code: LabCode | None = None
    """The lab's own code of the test."""
    local_name: LabCode | None = None
    """The lab's own name of the test."""
    value: Number | None = None
    """The result as reported, in `unit`. Absent only when the status is cancelled."""
    comparator: Literal["<", "<=", ">", ">="] | None = None
    """The result is a bound, not a measurement: below or above the assay's limit."""
    unit: Ucum | None = None
    """UCUM unit of the value. Absent only when the status is cancelled."""
    reference_low: Number | None = None
    """Lower end of the lab's reference interval, in `unit`."""
    reference_high: Number | None = None
    """Upper end of the lab's reference interval, in `unit`."""
    limit_low: Number | None = None
    """Lower limit of the assay, in `unit`."""
    limit_high: Number | None = None
    """Upper limit of the assay, in `unit`."""
    specimen: Literal[
        "serum",
        "plasma",
        "venous_whole_blood",
        "capillary_whole_blood",
        "dried_blood_spot",
        "urine_spot",
        "urine_24h",
    ]
    """What was tested."""
    collected: DateOrTime
    """When the specimen was taken."""
    separated_minutes: Annotated[int, Meta(ge=0, le=10_080)] | None = None
    """Minutes from taking the specimen to separating cells from serum or plasma."""
    haemolysis: Literal["none", "slight", "moderate", "gross"] | None = None
    """Haemolysis seen in the specimen."""
    resulted: DateOrTime | None = None
    """When the lab released the result."""
    status: Literal["preliminary", "final", "corrected", "cancelled"] = "final"
    """State of the report."""
    method: (
        Literal[
            "immunoassay",
            "microbiological",
            "lc_ms_ms",
            "gc_ms",
            "hplc",
            "enzymatic",
            "cell_counter",
            "other",
        ]
        | None
    ) = None
    """Principle of the measurement."""
    platform: Name | None = None
    """Analyser, as one word, like abbott_architect or siemens_centaur."""


class Milestone(Data, frozen=True, kw_only=True):
    """Whether a developmental milestone was there on a day."""

    code: Name
    """Milestone, from the closed list `milestones`."""
    status: Literal["achieved", "emerging", "not_yet", "lost", "regained"]
    """State on the day it was observed."""
    observed: DateOrTime
    """When the state was seen or asked for."""
    attained: DateOrMonth | None = None
    """When it was first attained, as the caregiver recalls it."""
    source: Literal["examined", "caregiver", "record", "video"]
    """Who says so."""


class Assessment(Data, frozen=True, kw_only=True):
    """One score of one domain of one developmental instrument."""

    instrument: Name
    """Instrument, from the closed list `instruments`."""
    edition: Name
    """Edition or version of the instrument: part of the score, never pooled."""
    domain: Name
    """Domain or scale of the instrument, from its list."""
    score_type: Literal["composite", "scaled", "ratio_dq", "raw", "ordinal"]
    """What the score is."""
    score: Number | None = None
    """The score. Absent when untestable, refused, or when only a category is given."""
    category: Literal["normal", "suspect", "abnormal", "untestable", "I", "II", "III", "IV", "V"] | None = None
    """Result of an ordinal instrument."""
    comparator: Literal["floor", "ceiling"] | None = None
    """The score stands at the end of the scale."""
    sem: Number | None = None
    """Standard error of measurement that the manual gives for this score."""
    interval_low: Number | None = None
    """Lower end of the score's confidence interval."""
    interval_high: Number | None = None
    """Upper end of the score's confidence interval."""
    age_used: Literal["chronological", "corrected"]
    """The age at which the norms were read."""
    status: Literal["completed", "untestable", "refused"] = "completed"
    """Whether the assessment took place."""
    blinded: bool | None = None
    """The assessor did not know the infant's treatment or group."""
    assessed: DateOrTime
    """When the assessment took place."""


class Dose(Data, frozen=True, kw_only=True):
    """One dose of B12, or of what is given beside it, given or missed."""

    person: Literal["infant", "mother"]
    """To whom it was given."""
    compound: Literal[
        "cyanocobalamin",
        "hydroxocobalamin",
        "methylcobalamin",
        "adenosylcobalamin",
        "b12_unspecified",
        "multivitamin_with_b12",
        "folic_acid",
        "iron",
        "other",
    ]
    """What was given."""
    route: Literal["im", "sc", "iv", "po", "sl", "nasal"]
    """How it was given: intramuscular, subcutaneous, intravenous, oral, sublingual, nasal."""
    ug: Number | None = None
    """Amount in micrograms; of B12 for any compound that holds B12. Absent when missed or refused."""
    scheduled: DateOrTime | None = None
    """When it was due."""
    given: DateOrTime | None = None
    """When it was given. Absent when missed or refused."""
    status: Literal["given", "missed", "refused"]
    """Whether it was given."""
    purpose: Literal["therapeutic", "maintenance", "prophylactic"] | None = None
    """Why it was given."""


class Feeding(Data, frozen=True, kw_only=True):
    """How the infant was fed and what the mother ate over a period."""

    infant: Literal[
        "exclusive",
        "predominant",
        "mixed",
        "formula_only",
        "weaned",
        "breastfed_unspecified",
        "not_breastfed",
    ]
    """Feeding of the infant; `exclusive`, `predominant` and `mixed` are breastfeeding as WHO defines it."""
    animal_source_food: bool | None = None
    """The infant ate food of animal origin."""
    mother_diet: Literal["vegan", "lacto_vegetarian", "lacto_ovo_vegetarian", "pescatarian", "omnivore"] | None = None
    """Diet of the mother."""
    maternal_b12_ug_per_day: Number | None = None
    """The mother's daily intake of B12 from food and supplements in micrograms."""
    start: DateOrMonth
    """First day of the period."""
    end: DateOrMonth | None = None
    """Last day of the period. Absent while it goes on."""


class Symptom(Data, frozen=True, kw_only=True):
    """Whether a sign or symptom was there on a day."""

    code: Hpo
    """Human Phenotype Ontology term, from the closed list `signs`."""
    status: Literal["present", "resolved", "absent"]
    """State on the day it was observed."""
    severity: Literal["mild", "moderate", "severe"] | None = None
    """How severe it was."""
    onset: DateOrMonth | None = None
    """When it began."""
    observed: DateOrTime
    """When the state was seen or asked for."""
    source: Literal["examined", "caregiver", "mri"]
    """How it is known."""


class Condition(Data, frozen=True, kw_only=True):
    """A diagnosis, comorbidity, exclusion, adverse event or procedure."""

    person: Person
    """Whose condition it is."""
    code: ConditionCode
    """ICD-10, SNOMED CT or HPO code with its system, like ICD10:E53.8."""
    category: Literal["diagnosis", "comorbidity", "exclusion", "adverse_event", "procedure"]
    """What the condition is to the registry."""
    onset: DateOrMonth
    """When it began or was done."""
    resolved: DateOrMonth | None = None
    """When it ended."""


class Growth(Data, frozen=True, kw_only=True):
    """One visit's measurements of growth."""

    weight_g: Number | None = None
    """Weight in g."""
    length_cm: Number | None = None
    """Length or height in cm."""
    position: Literal["lying", "standing"] | None = None
    """How length was measured."""
    head_circumference_cm: Number | None = None
    """Occipito-frontal circumference in cm."""
    oedema: bool | None = None
    """Oedema of both feet: weight then says little."""
    measured: DateOrTime
    """When it was measured."""


class Imaging(Data, frozen=True, kw_only=True):
    """One diffusion tensor metric of one region in one scan."""

    scan: ScanCode
    """The site's code of the scan, hashed at the door: every metric of one scan carries it."""
    metric: Literal["fa", "md", "ad", "rd"]
    """Fractional anisotropy, or mean, axial or radial diffusivity."""
    region: Name
    """Region by its name, from the closed list `regions`; never by an index."""
    side: Literal["left", "right", "midline", "bilateral_mean"]
    """Side of the region."""
    atlas: Name
    """Atlas that delineates the region, or manual."""
    atlas_version: Name
    """Version of the atlas."""
    method: Literal["manual_roi", "atlas_roi", "tbss", "voxel_wise", "tractography"]
    """How the value was taken; never mixed within one comparison."""
    value: Number
    """The metric as reported, in `unit`."""
    unit: Literal["1", "mm2/s", "10*-3.mm2/s", "um2/ms", "um2/s"]
    """UCUM unit; 1 for fractional anisotropy. um2/ms equals 10*-3.mm2/s."""
    b_values: tuple[Count, ...] = ()
    """Diffusion weightings in s/mm2."""
    directions: Count | None = None
    """Number of gradient directions."""
    voxel_mm: Number | None = None
    """Edge of an isotropic voxel in mm, or the cube root of its volume."""
    field_strength_t: Number | None = None
    """Magnetic field strength in T."""
    scanner_model: Name | None = None
    """Model of the scanner."""
    pipeline: Name | None = None
    """Processing software."""
    pipeline_version: Name | None = None
    """Version of the processing software."""
    sedation: Literal["none", "natural_sleep", "sedated", "anaesthesia"] | None = None
    """How the infant was kept still."""
    quality: Literal["pass", "warn", "fail"] | None = None
    """Result of quality control."""
    roi_voxels: Count | None = None
    """Number of voxels in the region."""
    sd: Number | None = None
    """Standard deviation of the metric over the region, in `unit`."""
    scanned: DateOrTime
    """When the scan was made."""


class Status(Data, frozen=True, kw_only=True):
    """Where the subject stands in the study."""

    state: Literal["alive", "died", "moved", "lost", "completed"]
    """State of the subject."""
    effective: DateOrMonth
    """Since when."""
    last_contact: DateOrMonth | None = None
    """When the family was last in contact."""


class Consent(Data, frozen=True, kw_only=True):
    """What the family agreed to, or withdrew."""

    scopes: tuple[Literal["blood", "development", "imaging", "mother", "sharing"], ...]
    """What it covers."""
    status: Literal["given", "withdrawn"]
    """Given or withdrawn."""
    effective: DateOrMonth
    """Since when."""


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


class Envelope(Struct, frozen=True, kw_only=True, tag_field="type"):
    """The CloudEvents attributes that are read. Others are accepted and not stored."""

    specversion: Literal["1.0"]
    """Version of CloudEvents."""
    id: Identifier
    """The sender's id of this statement: the same id must say the same for ever."""
    source: Annotated[str, Meta(max_length=64)]
    """`/sites/` and the site's name."""
    time: Annotated[datetime, Meta(tz=True)]
    """When the sender made the statement, RFC 3339 with zone: the later statement of a record is current."""
    subject: SubjectCode
    """The site's study code for the infant, for mother and child alike."""
    record: Identifier | UnsetType = field(default=UNSET)
    """The sender's own stable key of the thing reported; the id when absent. A correction repeats it."""


class EnrolmentEvent(Envelope, frozen=True, kw_only=True, tag="b12.enrolment.v1"):
    data: Enrolment


class LabResultEvent(Envelope, frozen=True, kw_only=True, tag="b12.lab_result.v1"):
    data: LabResult


class MilestoneEvent(Envelope, frozen=True, kw_only=True, tag="b12.milestone.v1"):
    data: Milestone


class AssessmentEvent(Envelope, frozen=True, kw_only=True, tag="b12.assessment.v1"):
    data: Assessment


class DoseEvent(Envelope, frozen=True, kw_only=True, tag="b12.dose.v1"):
    data: Dose


class FeedingEvent(Envelope, frozen=True, kw_only=True, tag="b12.feeding.v1"):
    data: Feeding


class SymptomEvent(Envelope, frozen=True, kw_only=True, tag="b12.symptom.v1"):
    data: Symptom


class ConditionEvent(Envelope, frozen=True, kw_only=True, tag="b12.condition.v1"):
    data: Condition


class GrowthEvent(Envelope, frozen=True, kw_only=True, tag="b12.growth.v1"):
    data: Growth


class ImagingEvent(Envelope, frozen=True, kw_only=True, tag="b12.imaging.v1"):
    data: Imaging


class StatusEvent(Envelope, frozen=True, kw_only=True, tag="b12.status.v1"):
    data: Status


class ConsentEvent(Envelope, frozen=True, kw_only=True, tag="b12.consent.v1"):
    data: Consent


class ConfirmationEvent(Envelope, frozen=True, kw_only=True, tag="b12.confirmation.v1"):
    data: Confirmation


class AcknowledgementEvent(Envelope, frozen=True, kw_only=True, tag="b12.acknowledgement.v1"):
    data: Acknowledgement


class RetractionEvent(Envelope, frozen=True, kw_only=True, tag="b12.retraction.v1"):
    data: Retraction


Event = (
    EnrolmentEvent
    | LabResultEvent
    | MilestoneEvent
    | AssessmentEvent
    | DoseEvent
    | FeedingEvent
    | SymptomEvent
    | ConditionEvent
    | GrowthEvent
    | ImagingEvent
    | StatusEvent
    | ConsentEvent
    | ConfirmationEvent
    | AcknowledgementEvent
    | RetractionEvent
)

ENVELOPES: dict[str, type[Event]] = {str(envelope.__struct_config__.tag): envelope for envelope in get_args(Event)}
"""The envelope of each supported `type`."""

KIND_OF: dict[type, str] = {envelope: tag.split(".")[1] for tag, envelope in ENVELOPES.items()}
"""The kind of each envelope."""

DATA: dict[str, type[Data]] = {KIND_OF[e]: e.__annotations__["data"] for e in ENVELOPES.values()}
"""The struct of each kind's `data`."""
