-- Pending orders by the time from which they have been offered: `updated_at` is when the order last became
-- pending, and one that is scheduled for later is offered until then anyway. Finds whom nobody took in time.
CREATE INDEX "orders_offered_from_idx" ON "orders"(GREATEST("updated_at", "scheduled_at")) WHERE "status" = 'pending';
