-- By when it was over retention finds an order. An order enters this index once, with its last change, which writes all
-- the indexes of orders anyway.
CREATE INDEX CONCURRENTLY IF NOT EXISTS "orders_ended_idx" ON "orders"("updated_at") WHERE "status" IN ('completed', 'cancelled');
