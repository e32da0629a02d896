-- The columns of the payout file, so that results give the user's own columns back in their order.
-- JSON: each column's header and, if it has one, its meaning; empty for batches that were planned before.
ALTER TABLE batches ADD COLUMN columns TEXT NOT NULL DEFAULT '[]';

-- A status names reasons by state, beside a live run of a million payouts.
CREATE INDEX payouts_declined ON payouts (batch_id, payout_id) WHERE state = 'declined';
CREATE INDEX payouts_ineligible ON payouts (batch_id, payout_id) WHERE state = 'ineligible';
