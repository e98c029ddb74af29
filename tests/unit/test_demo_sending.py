"""What the demonstration's sites send a second time, and what they do not."""

from pathlib import Path

import pytest

from b12.demo import sending


def test_a_feed_is_sent_once_to_a_topic_and_again_to_one_that_was_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[bytes] = []
    monkeypatch.setattr(sending, "_produce", lambda lines, _settings: sent.extend(lines))
    monkeypatch.setattr(sending.configs, "load", lambda *_: None)
    events = tmp_path / "interface.ndjson"
    events.write_bytes(b"one\ntwo\n")
    counts = [sending.feed(events, tmp_path, "SYN03", topic) for topic in ("first", "first", "second", "second")]
    assert counts == [2, 0, 2, 0]
    assert sent == [b"one", b"two"] * 2
