-- By its replay is found what a replay that is removed has to let go of (the foreign key), and nothing else. Most
-- deliveries were never replayed, and "deliveries_replay_id_idx" holds a null for each of them and costs each a write.
-- This takes its place; the next migration drops it.
--
-- A migration is one transaction, in which no index can be built concurrently. So whoever writes deliveries waits while
-- the table is scanned once, 0.2 s for a million of them in memory; readers do not wait. Sorted and written are only the few
-- that were replayed, and RETENTION_DAYS bounds the table. Whoever cannot bear the wait builds this index before, by hand
-- and with CONCURRENTLY: it is then found here.
CREATE INDEX IF NOT EXISTS "deliveries_of_replay_idx" ON "deliveries"("replay_id") WHERE "replay_id" IS NOT NULL;
