#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What tracker_dump makes of the samples, against what their makers know by construction.

Packets alone, no logs: frame, RSTs, ends, sender, phase and mechanism of every connection in every
truth.json; and every RST that the truth calls skipped is in no reset.  A file out of a ring buffer
is read alone here: phase and mechanism may then stay open, but nothing else may be said.
"""
import json
import subprocess
import sys
from pathlib import Path

SAMPLES = Path(__file__).resolve().parents[3] / "samples"
SKIP = 77  # what meson takes for "skipped"


def as_list(value):
    return value if isinstance(value, list) else [value]


def records_of(dump, path):
    text = subprocess.run([dump, str(path)], stdout=subprocess.PIPE, text=True, check=True).stdout
    return [json.loads(line) for line in text.splitlines()]


def is_piece(truth, capture):
    """One of several files of the same place."""
    places = truth["vantage"]
    return list(places.values()).count(places[capture]) > 1


def complaints(truth, reset, open_words):
    for field in ("client", "server", "rst_frames"):
        if reset[field] != truth[field]:
            yield f"{field} {reset[field]}, not {truth[field]}"
    if reset["frame"] != truth["rst_frame"]:
        yield f"decided by frame {reset['frame']}, not {truth['rst_frame']}"
    for field in ("sender", "phase", "mechanism"):
        if reset[field] not in as_list(truth[field]) + open_words:
            yield f"{field} {reset[field]}, not {truth[field]}"


def wrong_in(dump, folder):
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    made = {}
    for row in truth["connections"]:
        name = row["capture"]
        if name not in made:
            made[name] = records_of(dump, folder / name)
        found = [r for r in made[name] if r["type"] == "reset" and row["rst_frame"] in r["rst_frames"]]
        open_words = ["unknown", "undetermined"] if is_piece(truth, name) else []
        for text in complaints(row, found[0], open_words) if found else ["no reset"]:
            yield f"{folder.name}: {name} frame {row['rst_frame']}: {text}"
    for row in truth.get("skipped_rsts", []):
        found = made.get(row["capture"]) or records_of(dump, folder / row["capture"])
        if row["frame"] not in [r["frame"] for r in found if r["type"] == "skip"]:
            yield f"{folder.name}: {row['capture']} frame {row['frame']}: not skipped"


def main():
    folders = sorted(path.parent for path in SAMPLES.glob("*/truth.json"))
    if not folders:
        return SKIP
    wrong = [text for folder in folders for text in wrong_in(sys.argv[1], folder)]
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
