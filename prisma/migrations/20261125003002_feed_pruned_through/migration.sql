-- The highest feed position of a customer server's that retention removed; 0 while nothing was. Whoever removes
-- transitions raises it in the same transaction:
--   update customer_servers set feed_pruned_through = greatest(feed_pruned_through, <highest removed>) where id = …
-- A feed's cursor before it is answered 410: what lies between is not complete any more.

-- AlterTable
ALTER TABLE "customer_servers" ADD COLUMN "feed_pruned_through" BIGINT NOT NULL DEFAULT 0;
