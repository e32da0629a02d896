-- The columns of the payout file, so that results give the user's own columns back in their order.
-- JSON: each column's header and, if it has one, its meaning; empty for batches that were planned before.
ALTER TABLE batches ADD COLUMN columns TEXT NOT NULL DEFAULT '[]';
