-- What stays of a delivery when retention removes it with its attempts, so that an order's timeline still says
-- whom a change was told to and how that ended. Whoever removes a finished delivery inserts its row here in the
-- same statement:
--   with gone as (delete from deliveries where … returning transition_id, endpoint_id, state)
--   insert into pruned_deliveries (transition_id, endpoint_id, state) select transition_id, endpoint_id, state from gone
-- It goes with its transition, that is, with its order.

-- CreateTable
CREATE TABLE "pruned_deliveries" (
    "transition_id" CHAR(24) NOT NULL,
    "endpoint_id" CHAR(24) NOT NULL,
    "state" TEXT NOT NULL,
    "pruned_at" TIMESTAMPTZ(3) NOT NULL DEFAULT date_trunc('milliseconds', now()),

    CONSTRAINT "pruned_deliveries_pkey" PRIMARY KEY ("transition_id", "endpoint_id")
);

-- AddForeignKey
ALTER TABLE "pruned_deliveries" ADD CONSTRAINT "pruned_deliveries_transition_id_fkey" FOREIGN KEY ("transition_id") REFERENCES "order_transitions"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "pruned_deliveries" ADD CONSTRAINT "pruned_deliveries_endpoint_id_fkey" FOREIGN KEY ("endpoint_id") REFERENCES "webhook_endpoints"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

ALTER TABLE "pruned_deliveries"
  ADD CONSTRAINT "pruned_deliveries_state_check" CHECK ("state" IN ('delivered', 'failed', 'superseded', 'cancelled'));
