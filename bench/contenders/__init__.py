"""One program per contender: each reads the same topic to durable files and prints one line of figures."""
