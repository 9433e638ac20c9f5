"""A stream job: judges the files of a folder one by one, and can be told to die in the middle of a batch."""

import json
import os
import signal
import sys
from pathlib import Path

from sparks import session

import dq.stream.spark as streams
from dq.stream import gate

folder, die_in, die_when = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
spark = session()
source = (
    spark.readStream.schema("id int, at timestamp, amount double")
    .option("maxFilesPerTrigger", 1)
    .csv(str(folder / "landing"), header=True)
)


def die(number, when):
    if (number, when) == (die_in, die_when):
        os.kill(os.getpid(), signal.SIGKILL)


write, save = streams._write, streams.keeping.save
current = -1


def write_and_die(rows, sink, number):
    global current
    current = number
    die(number, f"before {Path(sink).name}")
    write(rows, sink, number)


def save_and_die(place, snapshot):
    die(current, "before states")
    save(place, snapshot)
    die(current, "after states")


streams._write, streams.keeping.save = write_and_die, save_and_die


def tell(batch):
    with (folder / "told.jsonl").open("a") as file:
        print(
            json.dumps(
                {
                    "number": batch.number,
                    "batch": [each.verdict.value for each in batch.evaluation.outcomes],
                    "total": [each.verdict.value for each in batch.total.outcomes],
                    "rows": batch.total.tables[0].rows,
                    "windows": {f"{start:%H:%M}": each.tables[0].rows for start, each in batch.windows.items()},
                    "late": batch.late,
                }
            ),
            file=file,
        )


query = gate(
    source,
    'Rules = [ RowCount > 1, IsUnique "id", ColumnValues "amount" < 10, Mean "amount" > 2,'
    ' StandardDeviation "amount" < 4, ColumnCorrelation "id" "amount" > -2 ]',
    good=str(folder / "good"),
    bad=str(folder / "bad"),
    checkpoint=str(folder / "checkpoint"),
    windows=streams.Windows("at", "1 hour", kept=2),
    told=tell,
    availableNow=True,
)
query.awaitTermination()
