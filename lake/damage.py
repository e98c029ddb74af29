"""What is said of a lake that cannot be read whole, or not written: what happened to it, and what to do.

How it is read and written belongs to lake/table.py and its neighbours.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

from contracts.errors import EnvironmentProblem


@contextmanager
def read_whole(uri: str) -> Iterator[None]:
    """EnvironmentProblem when what is read inside is missing or torn: nothing is ever skipped."""
    try:
        yield
    except (TableNotFoundError, CommitFailedError):
        raise
    except (DeltaError, pa.ArrowInvalid, OSError) as error:
        raise EnvironmentProblem(
            f"the lake at {uri} cannot be read whole ({type(error).__name__}): a file or an entry of its log is missing"
            " or torn, or its disk is full or does not answer. Nothing was skipped. Look at the disk first; if the lake"
            " itself is damaged, restore it from a backup: what that lacks is read from Kafka again"
        ) from None


@contextmanager
def written(uri: str) -> Iterator[None]:
    """EnvironmentProblem when a file cannot be written inside."""
    try:
        yield
    except OSError as error:
        raise EnvironmentProblem(
            f"the lake at {uri} took no file ({error.strerror or type(error).__name__}): check the disk's space and"
            " rights; nothing is lost, the deliveries are still in Kafka"
        ) from None
