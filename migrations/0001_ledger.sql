-- The ledger, version 1. Times are Unix milliseconds, points are whole points.
-- The words in the CHECKs are those of the program's enums; a test holds the two against each other. They are checked in
-- pairs: SQLite builds a table of a longer list each time that it checks a row, which took most of the time of writing
-- an event; two words it only compares.

PRAGMA application_id = 1953460336; -- "topp": tells a ledger from any other SQLite file

-- What the whole ledger is bound to, and the end of its own chain: one row.
CREATE TABLE ledger (
    only_row       INTEGER PRIMARY KEY CHECK (only_row = 1),
    -- Null until the first batch is planned.
    gateway_host   TEXT,
    merchant_id    TEXT,
    invoice_prefix TEXT,
    -- SHA-256 of the newest of the ledger's own events.
    chain_head     BLOB NOT NULL CHECK (length(chain_head) = 32),
    CHECK ((gateway_host IS NULL) = (merchant_id IS NULL) AND (merchant_id IS NULL) = (invoice_prefix IS NULL))
) STRICT;

INSERT INTO ledger VALUES (1, NULL, NULL, NULL, zeroblob(32));

CREATE TABLE batches (
    batch_id       INTEGER PRIMARY KEY,
    name           TEXT    NOT NULL UNIQUE,
    -- What the batch is bound to: a command with another of these is refused.
    gateway_host   TEXT    NOT NULL,
    merchant_id    TEXT    NOT NULL,
    terminal_id    TEXT    NOT NULL,
    invoice_prefix TEXT    NOT NULL,
    -- The plan, as it was approved.
    rows           INTEGER NOT NULL CHECK (rows >= 0),
    points         INTEGER NOT NULL CHECK (points >= 0),
    skipped_rows   INTEGER NOT NULL CHECK (skipped_rows >= 0),
    plan_sha256    BLOB    NOT NULL CHECK (length(plan_sha256) = 32),
    file_name      TEXT    NOT NULL,
    settings       TEXT    NOT NULL, -- JSON, never the key
    planned_at     INTEGER NOT NULL,
    planned_by     TEXT    NOT NULL,
    consent        TEXT    NOT NULL,
    -- The version of the plan that all of this is of, and the one up to which somebody approved it.
    plan_version   INTEGER NOT NULL CHECK (plan_version >= 0),
    approved_plan  INTEGER NOT NULL CHECK (approved_plan BETWEEN 0 AND plan_version),
    -- The columns of the payout file, so that results give the user's own columns back in their order.
    -- JSON: each column's header and, if it has one, its meaning.
    columns        TEXT    NOT NULL,
    -- SHA-256 of the newest event of the batch: the end of its chain.
    chain_head     BLOB    NOT NULL CHECK (length(chain_head) = 32),
    -- That event; null: there is none yet.
    chain_event    INTEGER,
    sealed         TEXT    NOT NULL -- JSON: names and values of the settings that the plan was sealed with
) STRICT;

-- Rows and points by state, kept with every change, so that a status costs nothing beside a live run.
CREATE TABLE totals (
    batch_id  INTEGER NOT NULL REFERENCES batches,
    state     TEXT    NOT NULL
        CHECK (state IN ('planned', 'in_doubt') OR state IN ('credited', 'declined')
            OR state IN ('ineligible', 'held') OR state IN ('cancelled')),
    rows      INTEGER NOT NULL CHECK (rows >= 0),
    points    INTEGER NOT NULL CHECK (points >= 0),
    recovered INTEGER NOT NULL CHECK (recovered BETWEEN 0 AND rows),
    PRIMARY KEY (batch_id, state)
) STRICT, WITHOUT ROWID;

CREATE TABLE payouts (
    payout_id   INTEGER PRIMARY KEY,
    batch_id    INTEGER NOT NULL REFERENCES batches,
    plan        INTEGER NOT NULL CHECK (plan >= 1), -- the version of the plan that brought it
    row         INTEGER NOT NULL CHECK (row >= 1), -- in the spreadsheet, as first planned
    row_key     TEXT    NOT NULL,
    member      TEXT    NOT NULL, -- its identity: the phone, CARD:… or USER_ID:… without blanks, dashes and case
    spelt       TEXT,             -- as it is sent, where that is spelt otherwise
    phone       TEXT,             -- the phone that goes along with a card or user id
    points      INTEGER NOT NULL CHECK (points BETWEEN 50 AND 20000000),
    send_sms    INTEGER NOT NULL CHECK (send_sms IN (0, 1)),
    receipt     TEXT,             -- JSON: name, address, email, tax code
    name        TEXT,             -- whom the payer expects behind the member
    extra       TEXT,             -- JSON: the user's other columns
    -- The row's own seal: SHA-256 over all of the above, made when it was planned and compared before it is sent.
    sha256      BLOB    NOT NULL CHECK (length(sha256) = 32),
    state       TEXT    NOT NULL
        CHECK (state IN ('planned', 'in_doubt') OR state IN ('credited', 'declined')
            OR state IN ('ineligible', 'held') OR state IN ('cancelled')),
    attempt     INTEGER NOT NULL CHECK (attempt >= 1),
    invoice_no  TEXT    NOT NULL, -- of the current attempt
    credited_at INTEGER,
    UNIQUE (batch_id, row_key),
    CHECK ((state = 'credited') = (credited_at IS NOT NULL))
) STRICT;

CREATE INDEX payouts_by_member ON payouts (member);
CREATE INDEX payouts_by_phone ON payouts (phone) WHERE phone IS NOT NULL;
-- With the version, so that those of one are found without a look at the others.
CREATE INDEX payouts_planned ON payouts (batch_id, payout_id, plan) WHERE state = 'planned';
CREATE INDEX payouts_in_doubt ON payouts (batch_id, payout_id) WHERE state = 'in_doubt';
CREATE INDEX payouts_held ON payouts (batch_id, payout_id) WHERE state = 'held';
-- A status names reasons by state, beside a live run of a million payouts.
CREATE INDEX payouts_declined ON payouts (batch_id, payout_id) WHERE state = 'declined';
CREATE INDEX payouts_ineligible ON payouts (batch_id, payout_id) WHERE state = 'ineligible';

-- Rows of the file that were left out of the plan on the user's word, with the reasons.
CREATE TABLE skipped_rows (
    batch_id INTEGER NOT NULL REFERENCES batches,
    plan     INTEGER NOT NULL CHECK (plan >= 1), -- the n-th plan of the batch: an amended file may name a row again
    row      INTEGER NOT NULL CHECK (row >= 1),  -- in the spreadsheet
    cells    TEXT,             -- JSON: header and text of each cell; null: removed by a purge
    reasons  TEXT    NOT NULL, -- JSON
    PRIMARY KEY (batch_id, plan, row)
) STRICT, WITHOUT ROWID;

-- Every invoice_no ever minted.
CREATE TABLE invoices (
    invoice_no TEXT    NOT NULL PRIMARY KEY CHECK (length(invoice_no) BETWEEN 1 AND 23),
    payout_id  INTEGER NOT NULL REFERENCES payouts,
    attempt    INTEGER NOT NULL CHECK (attempt >= 1)
) STRICT, WITHOUT ROWID;

-- Who did something, and how that is known: signature:NAME, name:NAME or account:USER@MACHINE. Kept once: of a million
-- payouts most events are of one actor. What an event hashes is this text, not its id.
CREATE TABLE actors (
    actor_id INTEGER PRIMARY KEY,
    actor    TEXT    NOT NULL UNIQUE
) STRICT;

-- What happened, in order. Each event carries the SHA-256 of the one before it in its batch.
CREATE TABLE events (
    event_id   INTEGER PRIMARY KEY,
    batch_id   INTEGER NOT NULL REFERENCES batches,
    payout_id  INTEGER REFERENCES payouts, -- null: of the batch
    at         INTEGER NOT NULL,
    kind       TEXT    NOT NULL
        CHECK (kind IN ('member_answered', 'submit_intended') OR kind IN ('send_ended', 'order_answered')
            OR kind IN ('batch_planned', 'run_started') OR kind IN ('run_ended', 'gateway_ahead')
            OR kind IN ('canary_confirmed', 'retried') OR kind IN ('released', 'cancelled')
            OR kind IN ('attested', 'proposed') OR kind IN ('approved', 'sent_back')
            OR kind IN ('withdrawn', 'repeat_accepted')),
    detail     TEXT
        CHECK (detail IN ('eligible', 'credited') OR detail IN ('refused', 'name_differs')
            OR detail IN ('unclear', 'ask_again') OR detail IN ('success', 'failed')
            OR detail IN ('absent', 'unsent') OR detail IN ('refused_member', 'refused_payout')
            OR detail IN ('set_aside', 'slow_down') OR detail IN ('unknown', 'number_taken')
            OR detail IN ('not_credited', 'name_missing') OR detail IN ('undecided', 'other_order')),
    state      TEXT    -- null: unchanged
        CHECK (state IN ('planned', 'in_doubt') OR state IN ('credited', 'declined')
            OR state IN ('ineligible', 'held') OR state IN ('cancelled')),
    request_id TEXT,
    http       INTEGER,
    code       INTEGER, -- meta.code
    latency_ms INTEGER,
    note       TEXT,    -- what the gateway said, or the name that a person accepted
    why        TEXT,    -- a person's reason
    actor_id   INTEGER NOT NULL REFERENCES actors, -- who did it
    previous   BLOB    NOT NULL CHECK (length(previous) = 32)
) STRICT;

CREATE INDEX events_by_payout ON events (payout_id) WHERE payout_id IS NOT NULL;
CREATE INDEX events_of_batch ON events (batch_id, kind) WHERE payout_id IS NULL;

-- What happened to the ledger as a whole, in order: to what it was bound, which plans it took, which batches it purged.
-- Each carries the SHA-256 of the one before it, so that a batch that is gone shows.
CREATE TABLE ledger_events (
    ledger_event_id INTEGER PRIMARY KEY,
    at              INTEGER NOT NULL,
    kind            TEXT    NOT NULL CHECK (kind IN ('bound', 'batch_planned') OR kind IN ('batch_purged', 'person_added')
            OR kind IN ('person_removed', 'policy_asked')),
    batch_id        INTEGER REFERENCES batches, -- null: of the ledger
    note            TEXT    NOT NULL, -- JSON: what it was bound to, or the batch's name and the hash of its event
    why             TEXT,             -- a person's reason
    actor           TEXT    NOT NULL, -- as in actors
    previous        BLOB    NOT NULL CHECK (length(previous) = 32)
) STRICT;

-- Batches whose names and phones were removed, and what holds what is left of them together.
CREATE TABLE purges (
    batch_id         INTEGER PRIMARY KEY REFERENCES batches,
    at               INTEGER NOT NULL,
    why              TEXT    NOT NULL, -- a person's reason, and who it was
    -- What it had credited then: the guard against repeated payments looks only where that can matter.
    credited_rows    INTEGER NOT NULL CHECK (credited_rows >= 0),
    last_credited_at INTEGER,
    -- Tells another key from the one that the hashes were made with.
    key_check        BLOB    NOT NULL CHECK (length(key_check) = 32),
    -- SHA-256 of all that is left: the plan's own seal can no longer be computed.
    sha256           BLOB    NOT NULL CHECK (length(sha256) = 32)
) STRICT;

-- Events that lost their note, each with the SHA-256 that it had with it and that the next event carries.
CREATE TABLE redacted_events (
    event_id INTEGER PRIMARY KEY REFERENCES events,
    sha256   BLOB    NOT NULL CHECK (length(sha256) = 32)
) STRICT;

CREATE TRIGGER the_ledger_is_never_removed BEFORE DELETE ON ledger
    BEGIN SELECT RAISE(ABORT, 'the row of the ledger is never removed'); END;
CREATE TRIGGER ledger_events_are_never_changed BEFORE UPDATE ON ledger_events
    BEGIN SELECT RAISE(ABORT, 'an event of the ledger is never changed'); END;
CREATE TRIGGER ledger_events_are_never_removed BEFORE DELETE ON ledger_events
    BEGIN SELECT RAISE(ABORT, 'an event of the ledger is never removed'); END;
CREATE TRIGGER batches_keep_their_name BEFORE UPDATE OF batch_id, name ON batches
    BEGIN SELECT RAISE(ABORT, 'the name of a batch never changes'); END;
CREATE TRIGGER batches_are_never_removed BEFORE DELETE ON batches
    BEGIN SELECT RAISE(ABORT, 'a batch is never removed'); END;
CREATE TRIGGER skipped_rows_are_never_changed BEFORE UPDATE ON skipped_rows
    BEGIN SELECT RAISE(ABORT, 'a skipped row is never changed'); END;
CREATE TRIGGER skipped_rows_are_never_removed BEFORE DELETE ON skipped_rows
    BEGIN SELECT RAISE(ABORT, 'a skipped row is never removed'); END;
CREATE TRIGGER actors_are_never_changed BEFORE UPDATE ON actors
    BEGIN SELECT RAISE(ABORT, 'an actor is never changed'); END;
CREATE TRIGGER actors_are_never_removed BEFORE DELETE ON actors
    BEGIN SELECT RAISE(ABORT, 'an actor is never removed'); END;
CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events
    BEGIN SELECT RAISE(ABORT, 'an event is never changed'); END;
CREATE TRIGGER events_are_never_removed BEFORE DELETE ON events
    BEGIN SELECT RAISE(ABORT, 'an event is never removed'); END;
CREATE TRIGGER invoices_are_never_changed BEFORE UPDATE ON invoices
    BEGIN SELECT RAISE(ABORT, 'an invoice_no is never changed'); END;
-- What nobody approved may be taken back: nothing ever happened to it.
CREATE TRIGGER invoices_are_never_removed BEFORE DELETE ON invoices
    WHEN EXISTS (SELECT 1 FROM payouts p JOIN batches b ON b.batch_id = p.batch_id
                 WHERE p.payout_id = old.payout_id AND p.plan <= b.approved_plan)
    BEGIN SELECT RAISE(ABORT, 'an invoice_no is never removed'); END;
CREATE TRIGGER credited_never_changes BEFORE UPDATE OF state, credited_at ON payouts
    WHEN old.state = 'credited' AND (new.state <> 'credited' OR new.credited_at IS NOT old.credited_at)
    BEGIN SELECT RAISE(ABORT, 'a credited payout never changes'); END;
-- One number never goes out with two members or amounts, and what a row was planned with stays.
CREATE TRIGGER payouts_keep_what_they_send
    BEFORE UPDATE OF payout_id, batch_id, plan, row, row_key, member, spelt, phone, points, send_sms, receipt, name, extra, sha256
    ON payouts
    BEGIN SELECT RAISE(ABORT, 'what a payout sends never changes'); END;
CREATE TRIGGER payouts_are_never_removed BEFORE DELETE ON payouts
    WHEN EXISTS (SELECT 1 FROM batches b WHERE b.batch_id = old.batch_id AND old.plan <= b.approved_plan)
    BEGIN SELECT RAISE(ABORT, 'a payout is never removed'); END;
CREATE TRIGGER purges_are_never_changed BEFORE UPDATE ON purges
    BEGIN SELECT RAISE(ABORT, 'a purge is never changed'); END;
CREATE TRIGGER purges_are_never_removed BEFORE DELETE ON purges
    BEGIN SELECT RAISE(ABORT, 'a purge is never removed'); END;
CREATE TRIGGER redacted_events_are_never_changed BEFORE UPDATE ON redacted_events
    BEGIN SELECT RAISE(ABORT, 'a redacted event is never changed'); END;
CREATE TRIGGER redacted_events_are_never_removed BEFORE DELETE ON redacted_events
    BEGIN SELECT RAISE(ABORT, 'a redacted event is never removed'); END;
