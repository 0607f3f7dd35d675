"""The tables of the SQLite store, and how a file comes to have them.

`user_version` counts the scripts that a file has been through; a change of the schema is a new script at the end. Whichever
process comes first runs what is missing; the write lock makes the others wait for it.
"""

from __future__ import annotations

import sqlite3

UNFINISHED = "('queued', 'delayed', 'running', 'retrying')"

# When a row that is swept came to its end. A reply needn't say so; then its start or its creation stands in.
ENDED_AT = "coalesce(finished, started, created)"
SWEPT = f"state NOT IN {UNFINISHED}"

# `state` is '' in a row that only a `Started` has made: kept, but no record yet. `accepted`: whether an `Accepted` is in the row.
# The long columns come last, so that a filter never reads through them. Each index ends with what orders a page; ids are in it
# because a batch creates thousands of jobs in one millisecond.
_FIRST = (
    """
    CREATE TABLE records (
        id TEXT PRIMARY KEY NOT NULL,
        type TEXT NOT NULL,
        queue TEXT NOT NULL,
        state TEXT NOT NULL,
        created INTEGER NOT NULL,
        accepted INTEGER NOT NULL,
        attempt INTEGER NOT NULL,
        deliveries INTEGER NOT NULL,
        worker TEXT,
        started INTEGER,
        finished INTEGER,
        tags TEXT NOT NULL,
        args BLOB,
        reply BLOB,
        problem BLOB
    )
    """,
    "CREATE INDEX by_age ON records (created, id)",
    "CREATE INDEX by_state ON records (state, created, id)",
    "CREATE INDEX by_type ON records (type, created, id)",
    "CREATE INDEX by_queue ON records (queue, created, id)",
    "CREATE INDEX counted ON records (queue, state)",
    f"CREATE INDEX by_end ON records ({ENDED_AT}) WHERE {SWEPT}",
    # A job's tags, each findable. Kept by triggers, so that they can't disagree with the row.
    """
    CREATE TABLE tags (
        tag TEXT NOT NULL,
        created INTEGER NOT NULL,
        id TEXT NOT NULL,
        PRIMARY KEY (tag, created, id)
    ) WITHOUT ROWID
    """,
    """
    CREATE TRIGGER tags_come AFTER INSERT ON records WHEN new.tags <> '[]' BEGIN
        INSERT OR IGNORE INTO tags SELECT value, new.created, new.id FROM json_each(new.tags);
    END
    """,
    """
    CREATE TRIGGER tags_change AFTER UPDATE OF tags, created ON records
    WHEN (old.tags, old.created) IS NOT (new.tags, new.created) BEGIN
        DELETE FROM tags WHERE tag IN (SELECT value FROM json_each(old.tags)) AND created = old.created AND id = old.id;
        INSERT OR IGNORE INTO tags SELECT value, new.created, new.id FROM json_each(new.tags);
    END
    """,
    """
    CREATE TRIGGER tags_go AFTER DELETE ON records WHEN old.tags <> '[]' BEGIN
        DELETE FROM tags WHERE tag IN (SELECT value FROM json_each(old.tags)) AND created = old.created AND id = old.id;
    END
    """,
)

SCRIPTS: tuple[tuple[str, ...], ...] = (_FIRST,)


def version(connection: sqlite3.Connection) -> int:
    """How many of the scripts the file has been through."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def bring_up_to_date(connection: sqlite3.Connection) -> None:
    """Run the scripts that the file still lacks; to be called under the write lock.

    Raises `sqlite3.DatabaseError` where the file was made by a newer Fairway.
    """
    done = version(connection)
    if done > len(SCRIPTS):
        raise sqlite3.DatabaseError(f"its schema is version {done}, of a newer Fairway; this one knows {len(SCRIPTS)}")
    for script in SCRIPTS[done:]:
        for statement in script:
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {len(SCRIPTS)}")
