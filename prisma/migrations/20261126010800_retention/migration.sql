-- What retention finds by when it ended. Deliveries, idempotency keys and declines have such an index already.
--
-- An order enters its index once, with its last change. Whoever changes an order waits while the table is scanned to build
-- it; readers do not. Whoever cannot bear that builds it before, by hand and with CONCURRENTLY: it is then found here.
-- Built last, so that it is waited for as short as can be.
CREATE INDEX IF NOT EXISTS "replays_finished_idx" ON "replays"("finished_at") WHERE "state" = 'completed';
CREATE INDEX IF NOT EXISTS "orders_ended_idx" ON "orders"("updated_at") WHERE "status" IN ('completed', 'cancelled');
