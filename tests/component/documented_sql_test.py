#!/usr/bin/env python3
"""The SQL of docs/operations.md, said as it stands there to a private PostgreSQL: the database is
made by the page's first block and migrated by `postoffice migrate`; then every other block runs,
and what is finished, or belongs to the person to forget, is gone."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

BIN = pathlib.Path(sys.argv[1])
TOP = pathlib.Path(__file__).parent.parent.parent
sys.path.append(str(TOP / "tests" / "harness"))
from postgres_server import Server, say  # noqa: E402  # from the folder named above

#  The session that the page calls '…', and somebody else's: items of all states, long finished.
SEED = """
CREATE TABLE log_20260824 PARTITION OF log FOR VALUES FROM ('2026-08-24') TO ('2026-08-25');
INSERT INTO session (session, app, visitor, day)
    SELECT key, '…', key, '2026-08-24' FROM unnest ('{…,other}'::text[]) key;
INSERT INTO log (session, day, seq, time_ms, writer, event, role, hidden, message_id, user_id,
                 sender)
    SELECT session, day, 1, 1, 1, 1, 1, false, 'm', visitor, '{}' FROM session;
INSERT INTO participant (session, role, user_id, sender, present)
    SELECT session, 1, visitor, '{}', false FROM session;
INSERT INTO last_session (app, user_id, role, session) SELECT app, session, 1, session FROM session;
INSERT INTO external_ref (app, channel, external_id, session, role, user_id)
    SELECT app, 'sms', session, session, 1, visitor FROM session;
INSERT INTO work_item (item, app, session, topic, body, state, finished_at)
    SELECT CASE WHEN session = '…' AND state = 3 THEN '…' ELSE session || state END, app, session,
        't', '', state, CASE WHEN state > 1 THEN now () - interval '30 days' END
    FROM session, generate_series (0, 4) state;
INSERT INTO work_attempt (item, number, outcome) SELECT item, 1, 0 FROM work_item;
INSERT INTO lane_memory (lane, session, memory) SELECT 'slack:' || session, session, '{}' FROM session;
INSERT INTO alert (alert, app, session, rule, event, seq)
    SELECT ':alert:' || session, app, session, 'r', 'keyword', 1 FROM session;
"""


def statements():
    """The blocks of the page, in order."""
    page = (TOP / "docs" / "operations.md").read_text(encoding="utf-8")
    return re.findall(r"^ *```sql\n(.*?)^ *```$", page, re.S | re.M)


def check(server):
    first, *others = statements()
    assert "CREATE DATABASE" in first and len(others) >= 5, "where is the page's SQL?"
    say(server.url("boss", "postgres"), first)
    url = server.url("stentor", "stentor")
    subprocess.run([BIN / "postoffice", "migrate"], env={**os.environ, "POSTGRES_URL": url},
                   stdout=subprocess.DEVNULL, check=True)
    number = say(url, "SELECT max (number) FROM migration")[0]
    say(url, SEED)
    say(url, "UPDATE search_state SET done_at = '-infinity'")
    say(url, f"SELECT fill_search_{number} (1000, true)")
    for block in others:
        said = say(url, block)
        if block.lstrip().startswith("SELECT"):
            assert said, f"{block} finds nothing"
    #  As a postoffice carries out the order.
    while say(url, "SELECT state FROM erasure") != ["4"]:
        say(url, f"SELECT erase_{number} (20, 5000, 5000, 0)")
    tables = say(url, "SELECT table_name FROM information_schema.columns"
                      " WHERE table_schema = 'public' AND column_name = 'session'")
    assert len(tables) >= 6, tables
    for table in tables:
        left = set(say(url, f"SELECT session FROM {table}"))
        assert left == {"other"}, f"{table} has rows of {left}"
    #  What is not finished stays.
    assert say(url, "SELECT item FROM work_attempt ORDER BY 1") == ["other0", "other1"]


def main():
    directory = tempfile.mkdtemp(prefix="stentor-sql-")
    try:
        server = Server(directory)
        try:
            server.wait()
            check(server)
        finally:
            server.end()
    finally:
        shutil.rmtree(directory)


main()
