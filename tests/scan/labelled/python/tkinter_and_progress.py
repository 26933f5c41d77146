"""Other people's `update` and `create`."""
import tkinter as tk
from pathlib import Path

import boto3
from tqdm import tqdm

s3 = boto3.client("s3")


class RunWindow:
    def __init__(self):
        self.root = tk.Tk()
        self.canvas = tk.Canvas(self.root)
        self.runs = {}

    def update(self, run_id, **fields):
        self.runs.setdefault(run_id, {}).update(fields)
        self.canvas.create_line(0, 0, 10, 10)
        self.root.update()

    def load(self, files):
        with tqdm(total=len(files)) as bar:
            for file in files:
                self.update(Path(file).stem, size=1)
                bar.update(1)

    def publish(self):
        s3.create_bucket(Bucket="client-run-results")
