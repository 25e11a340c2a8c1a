-- The rest of what a window is decided by, in the endpoint's row.
ALTER TABLE "webhook_endpoints" ADD COLUMN "failing_answers" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN     "probed_due_at" TIMESTAMPTZ(6),
ADD COLUMN     "probed_id" CHAR(24);
-- A broken endpoint is always tried again.
ALTER TABLE "webhook_endpoints"
  ADD CONSTRAINT "webhook_endpoints_probe_check" CHECK ("window" > 0 OR "next_probe_at" IS NOT NULL);
