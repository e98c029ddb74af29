"""The `b12` command."""
def main() -> None:
    raise SystemExit(0)
