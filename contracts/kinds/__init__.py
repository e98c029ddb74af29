"""What each of the fifteen kinds of event says: its `data`, one struct a kind, grouped by what the kind is about.

How an event is wrapped and told apart belongs to contracts/events.py.
"""
