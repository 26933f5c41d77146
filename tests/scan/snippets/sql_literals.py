# scan: runs = "runs"
# SQL that stores, shows or explains SQL.


def shows(db, run_id, note):
    db.execute("SELECT 'INSERT INTO runs (id) VALUES (1)'")
    db.execute("SELECT id FROM log WHERE message LIKE 'INSERT INTO runs%' -- it's text")
    db.execute("UPDATE log SET message = 'INSERT INTO runs failed' WHERE id = 1")  # expect: update@log
    db.execute("INSERT INTO log (message) VALUES ('a; INSERT INTO runs (id)')")  # expect: creation@log
    db.execute("INSERT INTO runs (note) VALUES ('on conflict do update')")  # expect: creation
    db.execute("SELECT 'it''s'; INSERT INTO runs (note) VALUES ('x')")  # expect: creation
    db.execute("SELECT '--'; INSERT INTO runs (note) VALUES ('/*')")  # expect: creation
    db.execute(f"SELECT '{note}', \"it's\"; INSERT INTO runs (id, note) VALUES ({run_id}, '{note}')")  # expect: creation


def runs_text(db, sql):
    db.execute("SELECT dblink('host=b', 'INSERT INTO runs (id) VALUES (1)')")  # expect: creation
    db.execute("PREPARE p FROM 'INSERT INTO runs (id) VALUES (1)'")  # expect: creation
    db.execute("EXECUTE IMMEDIATE 'INSERT INTO runs (id) VALUES (1)'")  # expect: creation
    db.execute(r"SELECT 'it\'s'; INSERT INTO runs (note) VALUES ('x')")  # expect: creation


def explains(db, options):
    db.execute("EXPLAIN INSERT INTO runs (id) VALUES (1)")
    db.execute("EXPLAIN QUERY PLAN UPDATE runs SET done = 1")
    db.execute("EXPLAIN (VERBOSE, FORMAT JSON) INSERT INTO runs (id) VALUES (1)")
    db.execute("EXPLAIN (ANALYZE OFF) INSERT INTO runs (id) VALUES (1)")
    db.execute("EXPLAIN INSERT INTO runs (id) VALUES (1); UPDATE runs SET done = 1")  # expect: update
    db.execute("EXPLAIN ANALYZE INSERT INTO runs (id) VALUES (1)")  # expect: creation
    db.execute("explain (analyze, buffers) insert into runs (id) values (1)")  # expect: creation
    db.execute(f"EXPLAIN {options} INSERT INTO runs (id) VALUES (1)")  # expect: creation
