"""Many deliveries at once, of one site and partition: rows of those that fill in a form that the judge accepts.

What it leaves is contracts.judge's.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts.pseudonyms import digests
from contracts.site import Site
from lake.rows import Batch, Columns, Ready, tables
from lake.schema import TIMESTAMP, schema
from streams.fast.form import Content, Form, form
from streams.fast.layout import Layout, learn
from streams.fast.moments import Mask, Numbers
from streams.fast.sheets import Parts, Sheets
from streams.fast.values import Codes, Values, halves, values_of
from streams.records import Record

LEAST = 64
"""Of events laid out alike, before it pays to cut them."""
LEAST_OF_FORM = 4
"""Of events that fill in one form, before it pays to have it judged."""
_MILLISECOND = 1000
"""In microseconds."""


def accept(batch: Batch, site: Site, deliveries: Sequence[Record]) -> Sequence[Record]:
    """Put what is accepted into the site's batch, which says where it came; the rest, in its order."""
    bare = [found for found in deliveries if found.value is not None and not found.headers]
    if len(bare) < LEAST:
        return deliveries
    values = [found.value or b"" for found in bare]
    offsets, received, sizes = (
        np.array(numbers, np.int64)
        for numbers in ([found.offset for found in bare], [found.timestamp for found in bare], [*map(len, values)])
    )
    sheets = Sheets.of_plain(values)
    for group in sheets.alike(LEAST):
        before = len(batch.ready)
        for example in (group[0], group[len(group) // 2], group[-1]):
            layout = learn(values[sheets.places[example]])
            if layout is not None and len(batch.ready) == before:  # else an odd one would spoil the others' chance
                parts = sheets.cut(group, layout, example)
                for kept, table in Filled(batch, site, layout, parts, offsets, received).tables():
                    where, oldest, size = offsets[kept].tolist(), int(received[kept].min()), int(sizes[kept].sum())
                    batch.ready.append(Ready(layout.kind, table, where, oldest, size))
    taken = {offset for ready in batch.ready for offset in ready.offsets}
    if len(taken) == len(deliveries):
        return []
    return [found for found in deliveries if found.offset not in taken]


class Filled:
    """Events that seem to fill in forms of one layout, with offsets and times of all that were delivered with them."""

    def __init__(
        self, batch: Batch, site: Site, layout: Layout, parts: Parts, offsets: Numbers, received_ms: Numbers
    ) -> None:
        self._batch, self._site, self._layout, self._parts = batch, site, layout, parts
        self._offsets = offsets[parts.places]
        self._received = received_ms[parts.places] * _MILLISECOND
        self._values = [
            values_of(blank, layout.kind, parts.cells(place), self._received, site, batch.site_key)
            for place, blank in enumerate(layout.blanks)
        ]
        self._by_path = {blank.path: values for blank, values in zip(layout.blanks, self._values, strict=True)}

    def tables(self) -> Iterator[tuple[Numbers, pa.Table]]:
        """The rows of those whose values are good and whose form is accepted, and their places among all."""
        rows = np.flatnonzero(np.logical_and.reduce([values.good for values in self._values]))
        prints, which = self._parts.prints(rows)
        enough = np.bincount(which, minlength=len(prints)) >= LEAST_OF_FORM
        forms = [
            form(self._site, self._layout, print_) if many else None
            for print_, many in zip(prints, enough.tolist(), strict=True)
        ]
        has_form = np.array([found is not None for found in forms], bool)[which]
        rows, which = rows[has_form], which[has_form]
        repeats = self._record_is_id()[rows]
        for chosen, without_record in ((~repeats, False), (repeats, True)):
            if chosen.any():
                used, index = np.unique(which[chosen], return_inverse=True)
                its = [found for number in used.tolist() if (found := forms[number])]
                yield self._parts.places[rows[chosen]], self._table(rows[chosen], its, pa.array(index), without_record)

    def _record_is_id(self) -> Mask:
        record = self._by_path.get(("record",))
        if record is None:
            return np.zeros(len(self._offsets), bool)
        found: Mask = pc.equal(record.texts, self._by_path["id",].texts).to_numpy(zero_copy_only=False)
        return found

    def _table(self, rows: Numbers, forms: list[Form], which: pa.Array, without_record: bool) -> pa.Table:
        """Rows, of which each has the form that `which` says."""
        chosen, batch = pa.array(rows), self._batch
        columns: Columns = {
            "offset": pa.array(self._offsets[rows]),
            "received_at": pa.array(self._received[rows]).view(TIMESTAMP),
        }
        for values in self._values:
            columns |= values.columns(chosen)
        identifiers = self._by_path["id",]
        if ("record",) not in self._by_path and isinstance(identifiers, Codes):
            columns |= halves("record", identifiers.keys("record", chosen))
        contents = [found.content_without_record if without_record else found.content for found in forms]
        said = _said(contents, which, self._values, chosen).view(pa.binary()).to_pylist()
        columns |= halves("content", digests(batch.site_key, "content", said))
        wanted = schema(self._layout.kind)
        fixed = [name for name in wanted.names if name not in columns]
        columns |= printed(batch, self._layout.kind, forms, which, fixed)
        return pa.Table.from_arrays([columns[name] for name in wanted.names], schema=wanted)


def printed(batch: Batch, kind: str, forms: Sequence[Form], which: pa.Array, names: list[str]) -> Columns:
    """The columns that the form alone decides: those of the events which we filled in."""
    filled = Batch(batch.site, batch.site_key, batch.topic_uuid, batch.partition)
    for found in forms:
        filled.offsets.append(0)
        filled.received_ms.append(0)
        filled.sizes.append(None)
        filled.judged.append(found.event)
    rows = tables(filled)[kind]
    return {name: rows[name].combine_chunks().take(which) for name in names}


def _said(contents: list[Content], which: pa.Array, values: list[Values], rows: pa.Array) -> pa.StringArray:
    """The canonical content of each event."""
    (blanks,) = {content.blanks for content in contents}  # keys are sorted, so that one layout has one order
    parts = []
    for pieces, blank in zip(zip(*(content.pieces for content in contents), strict=True), (*blanks, None), strict=True):
        parts.append(pieces[0] if len(set(pieces)) == 1 else pa.array(pieces).take(which))
        if blank is not None:
            parts.append(values[blank].said(rows))
    return pc.binary_join_element_wise(*parts, "")
