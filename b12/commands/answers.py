"""What a partner lab is told, and what it answers: `b12 receipts` and `confirm`.

Everything here works with the base install alone, on Windows too; the work is done in `sites`.
"""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from b12.commands.lab import Config, File, Map, SiteName, mapping_of
from contracts.errors import UsageError

if TYPE_CHECKING:
    from sites.receipts import Answer, Answers


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("receipts")(receipts)
    app.command("confirm")(confirm)


def receipts(
    site: SiteName,
    config: Config = None,
    follow: Annotated[bool, typer.Option("--follow", help="Go on showing what comes, until interrupted.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Verdicts too that ask nothing of you.")] = False,
) -> None:
    """What became of your events: the rule that refused one, and what to do."""
    from sites import config as configs
    from sites import ledger as ledgers
    from sites import listening
    from sites import receipts as answers

    path = configs.find(site, config)
    settings = configs.load(path, site)
    ledger_path = ledgers.path_of(configs.state_directory(path), site)
    with ledgers.opened(ledger_path, settings.key) as ledger:
        told = answers.Answers(ledger)
        is_past = True
        for receipt in listening.read(settings, settings.receipts_topic, follow=follow):
            if receipt is None:
                is_past = False
                for answer in told.standing() if everything else told.to_do():
                    _show_answer(answer)
                _show_totals(told)
                continue
            for answer in told.add(receipt):
                if not is_past and (everything or told.asks(answer)):
                    _show_answer(answer)


def _show_answer(answer: "Answer") -> None:
    what = " ".join(part for part in (answer.kind, answer.record, answer.path) if part)
    why = ": ".join(part for part in (answer.rule, answer.fix) if part)
    print(f"{answer.verdict}: infant {answer.subject}: {what}: {why}", flush=True)


def _show_totals(told: "Answers") -> None:
    from sites import showing
    from sites.receipts import QUESTION

    print(f"{told.accepted:,} accepted, {told.refused:,} refused at the door.", flush=True)
    if records := told.records():
        # Deliveries above, corrections and repetitions among them; here what a lab has of them.
        stand = ", ".join(f"{count:,} {verdict}" for verdict, count in sorted(records.items()))
        print(f"Your {showing.amount(records.total(), 'record', 'records')} now: {stand}.", flush=True)
    counts = told.verdicts()
    asked = counts.pop(QUESTION, 0)
    if after_all := counts.pop("replayed", 0):
        print(f"{after_all:,} accepted after all, when operators had them judged again.", flush=True)
    registry = [f"{count:,} {verdict}" for verdict, count in sorted(counts.items()) if verdict != "refused"]
    if registry:
        print(f"Of the accepted, the registry found {', '.join(registry)}.", flush=True)
    if asked:
        questions = showing.amount(asked, "question", "questions")
        print(f"{questions} of the registry: confirm what is right, mend what is not.", flush=True)
    if told.sent_again:
        print(f"{told.sent_again:,} of the refused will be sent again by the next push, once mended.", flush=True)


def confirm(
    file: File,
    site: SiteName,
    row: Annotated[list[int], typer.Option(help="The row as `b12 check` counts it; may be repeated.")],
    map_: Map = None,
    config: Config = None,
    reason: Annotated[
        Literal["checked_source", "repeated_measurement", "known_condition", "assay_verified"],
        typer.Option(help="How you know."),
    ] = "checked_source",
    rule: Annotated[
        str | None, typer.Option(help="The rule that asked, as `b12 receipts` names it, where the check does not ask.")
    ] = None,
) -> None:
    """Answer a question of the check: what stands in this row, and was pushed, is right."""
    from sites import config as configs
    from sites import confirming, showing
    from sites import ledger as ledgers
    from sites.sending import KafkaSender

    mapping = mapping_of(file, map_)
    path = configs.find(site, config)
    settings = configs.load(path, site)
    ledger_path = ledgers.path_of(configs.state_directory(path), site)
    with ledgers.opened(ledger_path, settings.key) as ledger, ledgers.one_push_at_a_time(ledger_path):
        now = ledger.next_time(datetime.now(UTC))
        made = confirming.answers(file, mapping, settings.as_site, ledger, row, reason, now, rule)
        if not made:
            print("Confirmed before; nothing to send.")
            return
        sender = KafkaSender(settings)
        if ledger.begin(now, sender.topic_id):
            raise UsageError("the platform's topic was made anew since the last push: push the file again first")
        confirming.send(made, ledger, sender)
    for answer in made:
        question = answer.question
        print(f"{file.name}:{question.row}: confirmed: {showing.place(question)}: {question.rule}")
    print(f"{len(made):,} confirmed, for as long as these rows stay as they are.")
