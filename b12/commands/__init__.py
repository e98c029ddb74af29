"""One module per group of commands; each imports the platform inside its functions."""
