-- By when it was completed retention finds a replay. What else it removes is found by indexes that there are, but for
-- orders: the next migration.
CREATE INDEX CONCURRENTLY IF NOT EXISTS "replays_finished_idx" ON "replays"("finished_at") WHERE "state" = 'completed';
