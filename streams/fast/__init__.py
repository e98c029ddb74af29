"""The quick way through the door, for the many events that are filled in on the same form.

Most events of a site are byte for byte alike but for a few values: identifiers, times, dates, numbers. What is alike is
the *form*; where they differ are its *blanks*. A form is judged once, with blanks filled in by us. An event that fills
in a form which the judge accepted, with values that each fit their blank, says something that the judge would accept:
the same keys in the same order, the same codes, nothing unknown, nothing twice. So only the values are looked at event
by event, and those by columns.

This way only ever accepts. Whatever is unusual, and whatever comes too seldom to be worth it, goes to contracts.judge,
which alone names a rule; both give the same rows. It is as quick for pretty-printed JSON and for letters beyond ASCII.
"""
