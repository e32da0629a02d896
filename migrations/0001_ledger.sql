-- The ledger, version 1. Times are Unix milliseconds, points are whole points.
-- The words in the CHECKs are those of the program's enums; a test holds the two against each other.

PRAGMA application_id = 1953460336; -- "topp": tells a ledger from any other SQLite file

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
    -- SHA-256 of the newest event of the batch: the end of its chain.
    chain_head     BLOB    NOT NULL CHECK (length(chain_head) = 32)
) STRICT;

-- Rows and points by state, kept with every change, so that a status costs nothing beside a live run.
CREATE TABLE totals (
    batch_id  INTEGER NOT NULL REFERENCES batches,
    state     TEXT    NOT NULL
        CHECK (state IN ('planned', 'in_doubt', 'credited', 'declined', 'ineligible', 'held', 'cancelled')),
    rows      INTEGER NOT NULL CHECK (rows >= 0),
    points    INTEGER NOT NULL CHECK (points >= 0),
    recovered INTEGER NOT NULL CHECK (recovered BETWEEN 0 AND rows),
    PRIMARY KEY (batch_id, state)
) STRICT, WITHOUT ROWID;

CREATE TABLE payouts (
    payout_id   INTEGER PRIMARY KEY,
    batch_id    INTEGER NOT NULL REFERENCES batches,
    row         INTEGER NOT NULL CHECK (row >= 1), -- in the spreadsheet, as first planned
    row_key     TEXT    NOT NULL,
    member      TEXT    NOT NULL, -- the phone, CARD:… or USER_ID:…
    phone       TEXT,             -- the phone that goes along with a card or user id
    points      INTEGER NOT NULL CHECK (points BETWEEN 50 AND 20000000),
    send_sms    INTEGER NOT NULL CHECK (send_sms IN (0, 1)),
    receipt     TEXT,             -- JSON: name, address, email, tax code
    name        TEXT,             -- whom the payer expects behind the member
    extra       TEXT,             -- JSON: the user's other columns
    state       TEXT    NOT NULL
        CHECK (state IN ('planned', 'in_doubt', 'credited', 'declined', 'ineligible', 'held', 'cancelled')),
    attempt     INTEGER NOT NULL CHECK (attempt >= 1),
    invoice_no  TEXT    NOT NULL, -- of the current attempt
    credited_at INTEGER,
    UNIQUE (batch_id, row_key),
    CHECK ((state = 'credited') = (credited_at IS NOT NULL))
) STRICT;

CREATE INDEX payouts_by_member ON payouts (member);
CREATE INDEX payouts_by_phone ON payouts (phone) WHERE phone IS NOT NULL;
CREATE INDEX payouts_planned ON payouts (batch_id, payout_id) WHERE state = 'planned';
CREATE INDEX payouts_in_doubt ON payouts (batch_id, payout_id) WHERE state = 'in_doubt';
CREATE INDEX payouts_held ON payouts (batch_id, payout_id) WHERE state = 'held';

-- Every invoice_no ever minted.
CREATE TABLE invoices (
    invoice_no TEXT    NOT NULL PRIMARY KEY CHECK (length(invoice_no) BETWEEN 1 AND 23),
    payout_id  INTEGER NOT NULL REFERENCES payouts,
    attempt    INTEGER NOT NULL CHECK (attempt >= 1)
) STRICT, WITHOUT ROWID;

-- What happened, in order. Each event carries the SHA-256 of the one before it in its batch.
CREATE TABLE events (
    event_id   INTEGER PRIMARY KEY,
    batch_id   INTEGER NOT NULL REFERENCES batches,
    payout_id  INTEGER REFERENCES payouts, -- null: of the batch
    at         INTEGER NOT NULL,
    kind       TEXT    NOT NULL CHECK (kind IN (
        'batch_planned', 'run_started', 'run_ended', 'gateway_ahead', 'canary_confirmed',
        'member_answered', 'order_answered', 'submit_intended', 'send_ended',
        'retried', 'released', 'cancelled', 'attested')),
    detail     TEXT    CHECK (detail IN (
        'eligible', 'refused', 'name_differs', 'unclear', 'ask_again',
        'success', 'failed', 'absent',
        'unsent', 'refused_member', 'refused_payout', 'set_aside', 'slow_down', 'credited', 'unknown', 'number_taken',
        'not_credited')),
    state      TEXT    CHECK (state IN
        ('planned', 'in_doubt', 'credited', 'declined', 'ineligible', 'held', 'cancelled')), -- null: unchanged
    request_id TEXT,
    http       INTEGER,
    code       INTEGER, -- meta.code
    latency_ms INTEGER,
    note       TEXT,    -- what the gateway said, or the name that a person accepted
    why        TEXT,    -- a person's reason, and who it was
    previous   BLOB    NOT NULL CHECK (length(previous) = 32)
) STRICT;

CREATE INDEX events_by_payout ON events (payout_id) WHERE payout_id IS NOT NULL;
CREATE INDEX events_of_batch ON events (batch_id, kind) WHERE payout_id IS NULL;

CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events
    BEGIN SELECT RAISE(ABORT, 'an event is never changed'); END;
CREATE TRIGGER events_are_never_removed BEFORE DELETE ON events
    BEGIN SELECT RAISE(ABORT, 'an event is never removed'); END;
CREATE TRIGGER invoices_are_never_changed BEFORE UPDATE ON invoices
    BEGIN SELECT RAISE(ABORT, 'an invoice_no is never changed'); END;
CREATE TRIGGER invoices_are_never_removed BEFORE DELETE ON invoices
    BEGIN SELECT RAISE(ABORT, 'an invoice_no is never removed'); END;
CREATE TRIGGER credited_never_changes BEFORE UPDATE OF state ON payouts
    WHEN old.state = 'credited' AND new.state <> 'credited'
    BEGIN SELECT RAISE(ABORT, 'a credited payout never changes'); END;
-- One number never goes out with two members or amounts.
CREATE TRIGGER payouts_keep_what_they_send
    BEFORE UPDATE OF payout_id, batch_id, row, row_key, member, phone, points, send_sms, receipt ON payouts
    BEGIN SELECT RAISE(ABORT, 'what a payout sends never changes'); END;
CREATE TRIGGER payouts_are_never_removed BEFORE DELETE ON payouts
    BEGIN SELECT RAISE(ABORT, 'a payout is never removed'); END;
