"""The worker's log: one JSON object a line, whatever a library says, and nothing that it quotes."""

import json
import logging

from streams.logs import OURS, Lines, say


def line_of(log) -> dict:
    record = logging.LogRecord(**log)
    text = Lines().format(record)
    assert "\n" not in text
    return json.loads(text)


def record(message, *arguments, name="aiokafka", error=None) -> dict:
    exc_info = (type(error), error, error.__traceback__) if error else None
    return {
        "name": name,
        "level": logging.ERROR,
        "pathname": "x.py",
        "lineno": 1,
        "msg": message,
        "args": arguments,
        "exc_info": exc_info,
    }


def test_our_own_lines_have_their_fields(caplog):
    with caplog.at_level(logging.INFO, OURS):
        say("flushed", rows=3, topic="b12.site.BLR01.events")
    line = json.loads(Lines().format(caplog.records[0]))
    assert (line["event"], line["rows"], line["topic"]) == ("flushed", 3, "b12.site.BLR01.events")


def test_of_a_librarys_line_only_the_template_is_kept():
    line = line_of(record("DROPPED MESSAGE ROFF %r: k=%r v=%r", 7, b"CANARY", b"CANARY"))
    assert line["event"] == "DROPPED MESSAGE ROFF %r: k=%r v=%r"
    assert "CANARY" not in json.dumps(line)


def test_a_message_of_several_lines_is_cut_to_its_first():
    assert line_of(record("first\nCANARY"))["event"] == "first"
    assert line_of(record("\n+Commit+----\nCANARY"))["event"] == "+Commit+----"


def test_of_an_exception_only_type_and_place_are_kept():
    try:
        raise ValueError("CANARY is not a number")
    except ValueError as error:
        line = line_of(record("Crashed reason=%r", error, error=error))
    assert line["error"] == "ValueError"
    assert line["where"][-1].startswith("test_worker_log.py:")
    assert "CANARY" not in json.dumps(line)
