import pandas as pd
from pyairtable import Api

runs = Api("pat").table("app", "Client Run Results")


def create_run_report() -> pd.DataFrame:
    frame = pd.DataFrame([r["fields"] for r in runs.all()])
    newer = frame.set_index("Run ID")
    frame = frame.set_index("Run ID")
    frame.update(newer)
    frame.insert(0, "Rank", range(len(frame)))
    return frame.replace({"Status": {"Done": "Completed"}})


def update_run_report(path: str) -> None:
    report = create_run_report()
    report.to_csv(path)
    report.to_sql("report", "sqlite:///report.db", if_exists="replace")
