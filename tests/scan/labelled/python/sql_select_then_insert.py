# scan: runs = "runs"
def ensure_and_set(db, run_id, status):
    row = db.execute("SELECT id FROM runs WHERE run_id = ?", (run_id,)).fetchone()
    if row is None:
        db.execute("INSERT INTO runs (run_id, status) VALUES (?, ?)", (run_id, status))  # expect: recovery
    else:
        db.execute("UPDATE runs SET status = ? WHERE id = ?", (status, row[0]))  # expect: update
    db.commit()


def start(db, run_id):
    if db.execute("SELECT 1 FROM runs WHERE run_id = ?", [run_id]).fetchone():
        raise RuntimeError(f"{run_id} was started")
    db.execute("INSERT INTO runs (run_id, status) VALUES (?, 'Running')", [run_id])  # expect: creation
