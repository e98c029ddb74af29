"""What was measured: laboratory results, growth, diffusion imaging."""

from typing import Annotated, Literal

from msgspec import Meta

from contracts.fields import Count, DateOrTime, LabCode, Loinc, Name, Number, ScanCode, Ucum
from contracts.kinds.base import Data, Person


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
