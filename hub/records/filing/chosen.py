"""Which jobs a filing looks at."""

from collections.abc import Iterator

from hub.records.record import Record


def chosen(record: Record, condition: str, *values: object) -> Iterator[str]:
    """Numbers of the jobs that fulfil a condition on table `jobs`, in the order of their opening.

    A trial, and a job that was erased whole and says nothing any more, are left out.
    """
    rows = record.reader.rows(
        f"SELECT number FROM jobs WHERE {condition} AND trial=0 AND erased<>'all' AND entry<?"  # noqa: S608  ours
        " ORDER BY opened_us, number",
        (*values, record.size),
    )
    yield from (str(number) for (number,) in rows)
