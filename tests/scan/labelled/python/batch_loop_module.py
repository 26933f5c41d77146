"""Run by hand: python batch_loop_module.py < ids.txt"""
import sys

from pyairtable import Api

runs = Api("pat").table("app", "Client Run Results")

for line in sys.stdin:  # expect: no-start
    record_id, _, status = line.strip().partition(" ")
    if not status:
        continue
    runs.update(record_id, {"Status": status})  # expect: update
