"""What may be said and what it means: event kinds, codes, units, row rules and clinical definitions, as data.

Everything here is pure. What reads a file of a lab, a topic or a table belongs in another room.
"""

VERSION = "1"
"""Version of the contract: written beside every judged delivery and into every release's manifest."""
