"""What the demonstration shows at its end: receipts as a lab sees them, attrition, one case explained.

The numbers come from the release and from the receipts, never from the cohort.
"""

from rich.console import Console
from rich.table import Table

from b12.demo.partners import PARTNERS
from contracts.pseudonyms import as_uuid, pseudonym
from lake.home import Home
from registry import explaining, queries
from sites import config as configs
from sites import ledger as ledgers
from sites import listening
from sites import receipts as answers

NEXT_QUERY = "SELECT class, count(*) AS infants FROM research.cases GROUP BY class ORDER BY infants DESC"


def receipts(home: Home, console: Console) -> None:
    """What each site is told of its events: at the door, after the release, and what it should do."""
    table = Table("site", "accepted", "not included", box=None, header_style="bold", pad_edge=False)
    examples: dict[str, str] = {}
    for site in PARTNERS:
        path = home.lab_config(site)
        settings = configs.load(path, site)
        with ledgers.opened(ledgers.path_of(configs.state_directory(path), site), settings.key) as ledger:
            told = answers.Answers(ledger)
            for receipt in listening.read(settings, settings.receipts_topic, follow=False):
                if receipt is not None:
                    for _ in told.add(receipt):
                        pass
            counts = ", ".join(f"{verdict} {count:,}" for verdict, count in told.verdicts().most_common())
            table.add_row(site, f"{told.accepted:,}", counts or "none")
            for answer in told.to_do():
                where = f"{site}, infant {answer.subject}: {answer.kind} {answer.verdict} ({answer.rule})"
                examples.setdefault(answer.verdict, f"{where}: {answer.fix}")
    _section(console, "what the sites are told (b12 receipts --as SITE)", table)
    for example in examples.values():
        console.print(f"  [yellow]to do[/] {example}")


_FLOW = """
SELECT step, part, site, n
FROM summary.attrition
WHERE definition = 'default' AND (part = '' OR step IN ('verdict', 'class', 'followed_up')
    OR (step IN ('at_risk', 'recovered') AND part IN ('biochemical:months_3', 'biochemical:months_6')))
ORDER BY step_order, part
"""


def attrition(home: Home, console: Console) -> None:
    """The flow from deliveries to infants who recovered, for all and by site."""
    places = ("all", *PARTNERS)
    table = Table("", "", *places, box=None, header_style="bold", pad_edge=False)
    for column in table.columns[2:]:
        column.justify = "right"
    flow: dict[tuple[str, str], dict[str, int]] = {}
    with queries.ask(home, _FLOW) as answer:
        for step, part, site, count in answer:
            flow.setdefault((step, part), {})[site] = count
    shown = ""
    for (step, part), counts in flow.items():
        if counts["all"]:
            name = "" if step == shown else step.replace("_", " ")
            table.add_row(name, part.replace("_", " "), *(f"{counts[place]:,}" for place in places))
            shown = step
    _section(console, "from deliveries to recovery", table)


CASE = ("SYN01", "BLR-001")
"""Site and study code of the infant that is explained."""

_RECOVERY = """
SELECT visit, dimension, state, reason
FROM research.recovery WHERE subject_key = '{key}' ORDER BY visit_order, dimension
"""


def one_case(home: Home, console: Console) -> None:
    """Why one infant is of its class, and whether it recovered."""
    site, code = CASE
    settings = configs.load(home.lab_config(site), site)
    key = as_uuid(pseudonym(settings.key, "subject", code))
    console.print()
    console.print(f"[bold]one case explained[/]: infant {code} of {site}, in the release {key}")
    for line in explaining.explain(home, str(key)).text():
        console.print(f"  {line}", markup=False)
    with queries.ask(home, _RECOVERY.format(key=key)) as answer:
        for visit, dimension, state, reason in answer:
            console.print(f"    {visit}: {dimension}: {state}{f' ({reason})' if reason else ''}")


def _section(console: Console, title: str, table: Table) -> None:
    console.print()
    console.print(f"[bold]{title}[/]")
    console.print(table)
