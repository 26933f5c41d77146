# scan: runs = "runs"
# SQL that executes or prepares other SQL, blocks of procedural SQL, and statements behind others.


def executes(db):
    db.execute("EXECUTE IMMEDIATE 'INSERT INTO runs (id) VALUES (1)'")  # expect: creation
    db.execute("EXECUTE IMMEDIATE 'UPDATE runs SET done = 1'")  # expect: update
    db.execute("PREPARE p FROM 'INSERT INTO runs (id) VALUES (?)'")  # expect: creation
    db.execute("prepare p from 'replace into runs (id) values (?)'")  # expect: upsert
    db.execute("PREPARE p AS INSERT INTO runs (id) VALUES ($1)")  # expect: creation
    db.execute("PREPARE p (int) AS UPDATE runs SET done = $1")  # expect: update
    db.execute("EXEC sp_executesql N'INSERT INTO runs (id) VALUES (1)'")  # expect: creation
    db.execute("EXEC('INSERT INTO runs (id) VALUES (1)')")  # expect: creation
    db.execute("CALL run_sql('INSERT INTO runs (id) VALUES (1)')")  # expect: creation
    db.execute("DO $$ BEGIN INSERT INTO runs (id) VALUES (1); END $$")  # expect: creation
    db.execute("DO $$ BEGIN UPDATE runs SET done = 1; END $$")  # expect: update
    db.execute("DO $f$ BEGIN IF true THEN UPDATE runs SET done = 1; END IF; END $f$")  # expect: update
    db.execute("DO 'BEGIN INSERT INTO runs (id) VALUES (1); END'")  # expect: creation
    db.execute("DO $$ BEGIN EXECUTE 'INSERT INTO runs (id) VALUES (1)'; END $$")  # expect: creation
    db.execute("SET NOCOUNT ON EXEC sp_executesql N'INSERT INTO runs (id) VALUES (1)'")  # expect: creation
    db.execute("SET @s = 'INSERT INTO runs (id) VALUES (1)'; PREPARE p FROM @s; EXECUTE p")  # expect: creation
    db.execute("IF NOT EXISTS (SELECT 1 FROM runs) INSERT INTO runs (id) VALUES (1)")  # expect: creation
    db.execute("DECLARE @s nvarchar(99) = N'INSERT INTO runs (id) VALUES (1)' EXEC(@s)")  # expect: creation
    db.execute("BEGIN INSERT INTO runs (id) VALUES (1); END;")  # expect: creation
    db.execute("CREATE TABLE a (id INT); INSERT INTO runs (id) VALUES (1)")  # expect: creation
    db.executescript("BEGIN; INSERT INTO runs (id) VALUES (1); COMMIT")  # expect: creation
    db.executescript("BEGIN; UPDATE runs SET done = 1; COMMIT")  # expect: update
    db.execute("EXECUTE p")
    db.execute("CALL p(1)")
    db.execute("DO $$ BEGIN PERFORM 1; END $$")


def names(db):
    db.execute("SELECT id FROM execute WHERE note = 'INSERT INTO runs (id)'")
    db.execute("SELECT execute, prepare FROM jobs WHERE note = 'INSERT INTO runs (id)'")
    db.execute("SELECT j.prepare FROM jobs j WHERE execution_id = 1 AND note = 'INSERT INTO runs (id)'")
    db.execute("SELECT id FROM executions WHERE immediate AND note = 'INSERT INTO runs (id)'")
    db.execute('SELECT "execute" FROM jobs WHERE note = \'INSERT INTO runs (id)\'')
    db.execute("UPDATE jobs SET status = 'EXECUTE', note = 'INSERT INTO runs (id)'")  # expect: update@jobs
    db.execute("UPDATE jobs SET execute = 1, note = 'INSERT INTO runs (id)'")  # expect: update@jobs
    db.execute("INSERT INTO jobs (execute, note) VALUES (1, 'UPDATE runs SET done = 1')")  # expect: creation@jobs
    db.execute("INSERT INTO jobs (id, note) VALUES (1, 'x') ON CONFLICT DO NOTHING; SELECT 'INSERT INTO runs (id)'")  # expect: creation@jobs
    db.execute("SELECT [execute] FROM jobs WHERE note = 'INSERT INTO runs (id)'")
    db.execute("-- execute it\nSELECT 'INSERT INTO runs (id)'")
    db.execute("CREATE TABLE a (id INT REFERENCES b ON UPDATE SET NULL); DROP TABLE c")
    db.execute("SELECT id FROM runs FOR UPDATE")
    db.execute("MERGE INTO jobs USING a ON x WHEN MATCHED THEN UPDATE SET a = 1")  # expect: upsert@jobs
