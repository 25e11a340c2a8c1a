-- Every new order counts the online vendors that it is offered to, and would read all vendors there are for it. A vendor
-- that comes online, or stays so, writes one more index entry: once in half a minute at most.
CREATE INDEX CONCURRENTLY IF NOT EXISTS "vendors_online_until_idx" ON "vendors"("online_until") WHERE "online_until" IS NOT NULL;
