"""The invariants of the intake, each as a question to the evidence that must find nothing.

Nothing of the platform is imported here: what it says of itself is evidence like any other. How evidence is read
belongs to tests/faults/evidence.py.
"""

from typing import NamedTuple

import duckdb

from tests.faults.evidence import Evidence

EXAMPLES = 3


class Invariant(NamedTuple):
    """What must hold. `violations` gives a row for each violation, in words that say where it is."""

    name: str
    means: str
    violations: str


_VIEWS = """
-- Every place of a topic that holds an event, as far as Kafka or a producer can tell.
CREATE TABLE place AS
SELECT uuid, partition, off, any_value(site) AS site, min(digest) AS digest, max(digest) AS also
FROM (SELECT uuid, partition, off, site, digest FROM acked UNION ALL SELECT uuid, partition, off, site, digest FROM log)
GROUP BY ALL;

CREATE TABLE judged AS
SELECT r.*, coalesce(r.rule, 'accepted') AS verdict, coalesce(p.site, r.site) AS topic_site,
       p.digest, p.also, p.off IS NOT NULL AS known,
       r.uuid || '/' || r.partition || '/' || r.off AS name
FROM rows r LEFT JOIN place p USING (uuid, partition, off);

-- The offsets that receipts speak of, in as few ranges as there are.
CREATE TABLE answered AS
WITH cut AS (
    SELECT *, first > coalesce(max(behind) OVER earlier, -1) AS begins
    FROM receipts WHERE topic_site = site
    WINDOW earlier AS (PARTITION BY topic_site, uuid, partition ORDER BY first, behind
                       ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
), part AS (
    SELECT *, sum(begins::INT) OVER (PARTITION BY topic_site, uuid, partition ORDER BY first, behind) AS part FROM cut
)
SELECT topic_site, uuid, partition, min(first) AS first, max(behind) AS behind FROM part
GROUP BY topic_site, uuid, partition, part;

-- How many rows of each partition stand before each of them, accepted and refused.
CREATE TABLE counted AS
SELECT uuid, partition, off,
       sum((verdict = 'accepted')::INT) OVER w AS accepted, sum((verdict <> 'accepted')::INT) OVER w AS refused
FROM judged WINDOW w AS (PARTITION BY uuid, partition ORDER BY off);
"""

INVARIANTS = (
    Invariant(
        "lost",
        "every acknowledged event, and every other that Kafka shows, is in the lake",
        """
        SELECT p.uuid || '/' || p.partition || '/' || p.off FROM place p
        ANTI JOIN rows r USING (uuid, partition, off)
        ANTI JOIN gone g ON g.uuid = p.uuid AND g.partition = p.partition AND p.off >= g.first AND p.off < g.behind
        """,
    ),
    Invariant(
        "doubled",
        "no event is in the lake twice",
        """
        SELECT uuid || '/' || partition || '/' || off || ' ' || count(*) || ' times' FROM rows
        GROUP BY uuid, partition, off HAVING count(*) > 1
        """,
    ),
    Invariant(
        "unsent",
        "nothing is in the lake that was not sent, or that a transaction took back",
        """
        SELECT name FROM judged WHERE NOT known
        UNION ALL
        -- Two joins: one by either digest compares each row with each event.
        SELECT name FROM judged j
        ANTI JOIN sent s ON s.site = j.topic_site AND s.digest = j.digest
        ANTI JOIN sent t ON t.site = j.topic_site AND t.digest = j.also
        WHERE known
        """,
    ),
    Invariant(
        "misjudged",
        "every row has the kind, the verdict, the site, the keys and the value of the event at its place, but for the"
        " erased",
        """
        SELECT j.name || ' ' || j.kind || ' ' || j.verdict FROM judged j
        JOIN sent s ON s.site = j.topic_site AND s.digest = j.digest
        LEFT JOIN erased e ON (e.site, e.subject_hi, e.subject_lo) = (s.site, s.subject_hi, s.subject_lo)
        WHERE j.site <> j.topic_site
        OR j.verdict NOT IN (s.verdict, s.changed)
        OR j.kind <> CASE WHEN j.verdict <> 'accepted' THEN 'refused'
                          WHEN j.kind = 'erased' AND e.site IS NOT NULL THEN 'erased' ELSE s.kind END
        -- Of what a changed rule refuses nobody reads who it speaks of.
        OR (j.verdict = s.verdict AND e.site IS NULL
            AND (j.id_hi, j.id_lo, j.subject_hi, j.subject_lo)
                IS DISTINCT FROM (s.id_hi, s.id_lo, s.subject_hi, s.subject_lo))
        OR (j.id_hi IS NOT NULL AND (j.id_hi, j.id_lo) IS DISTINCT FROM (s.id_hi, s.id_lo))
        OR (j.kind = 'lab_result' AND j.number IS DISTINCT FROM s.number)
        """,
    ),
    Invariant(
        "unerased",
        "of subjects that were to be erased the lake has places alone: no kind, no key",
        """
        SELECT j.name || ' ' || j.kind FROM judged j
        JOIN sent s ON s.site = j.topic_site AND s.digest = j.digest
        JOIN erased e ON (e.site, e.subject_hi, e.subject_lo) = (s.site, s.subject_hi, s.subject_lo)
        WHERE j.kind NOT IN ('erased', 'refused') OR j.id_hi IS NOT NULL OR j.subject_hi IS NOT NULL
        """,
    ),
    Invariant(
        "miscounted",
        "the count received at the transport equals the rows, and the lake's offset is behind the last of them",
        """
        SELECT uuid || '/' || partition || ' received ' || coalesce(received, 0) || ', ' || coalesce(n, 0) || ' rows'
        FROM positions FULL JOIN (
            SELECT uuid, partition, count(*) AS n, max(off) AS last FROM rows GROUP BY ALL
        ) USING (uuid, partition)
        WHERE received IS DISTINCT FROM n OR next IS NULL OR next <= last
        """,
    ),
    Invariant(
        "unanswered",
        "a receipt on the site's own topic speaks of every event in the lake",
        """
        SELECT name FROM judged j
        ANTI JOIN answered a
        ON a.topic_site = j.topic_site AND a.uuid = j.uuid AND a.partition = j.partition
        AND j.off >= a.first AND j.off < a.behind
        """,
    ),
    Invariant(
        "contradicted",
        "every receipt says what the lake says: how many events are accepted, which are refused, and by which rule",
        """
        SELECT f.uuid || '/' || f.partition || '/' || f.off || ' is not refused by ' || f.rule
        FROM refusals f ANTI JOIN judged j
        ON j.uuid = f.uuid AND j.partition = f.partition AND j.off = f.off AND j.verdict = f.rule
        UNION ALL
        SELECT uuid || '/' || partition || ' from ' || first || ' to ' || behind || ' accepted ' || said
            || ', the lake has ' || has
        FROM (
            SELECT c.uuid, c.partition, c.first, c.behind, c.accepted AS said, c.refused AS named,
                   coalesce(upto.accepted, 0) - coalesce(before.accepted, 0) AS has,
                   coalesce(upto.refused, 0) - coalesce(before.refused, 0) AS refused
            FROM receipts c
            ASOF LEFT JOIN counted before
            ON before.uuid = c.uuid AND before.partition = c.partition AND c.first > before.off
            ASOF LEFT JOIN counted upto
            ON upto.uuid = c.uuid AND upto.partition = c.partition AND c.behind > upto.off
        ) WHERE said <> has OR named <> refused
        """,
    ),
    Invariant(
        "altered",
        "what Kafka shows at a place is what was sent, above all where a refused row points",
        """
        SELECT name FROM judged WHERE digest <> also
        UNION
        SELECT j.name FROM judged j JOIN kept k USING (uuid, partition)
        WHERE j.kind = 'refused' AND j.known AND j.off >= k.first AND NOT EXISTS (
            FROM log l JOIN sent s ON s.digest = l.digest AND s.site = l.site
            WHERE l.uuid = j.uuid AND l.partition = j.partition AND l.off = j.off
        )
        """,
    ),
)


class Report(NamedTuple):
    """What was counted and what was found."""

    acknowledged: int
    rows: int
    found: dict[str, int]
    """Violations by invariant."""
    examples: dict[str, list[str]]

    @property
    def is_clean(self) -> bool:
        """Whether every invariant holds."""
        return not any(self.found.values())

    def text(self) -> str:
        """A line for each invariant, with examples of what violates it."""
        lines = []
        for invariant in INVARIANTS:
            lines.append(f"  {invariant.name:<13}{self.found[invariant.name]:>9}   {invariant.means}")
            lines += [f"{'':>26}{example}" for example in self.examples[invariant.name]]
        return "\n".join(lines)


def check(evidence: Evidence) -> Report:
    """Ask everything of the evidence."""
    with duckdb.connect() as database:
        for name, table in evidence._asdict().items():
            database.register(f"given_{name}", table)
            database.execute(f"CREATE TABLE {name} AS FROM given_{name}")
        database.execute(_VIEWS)
        found, examples = {}, {}
        for invariant in INVARIANTS:
            violations = [words for (words,) in database.execute(invariant.violations).fetchall()]
            found[invariant.name] = len(violations)
            examples[invariant.name] = sorted(violations)[:EXAMPLES]
    return Report(evidence.acked.num_rows, evidence.rows.num_rows, found, examples)
