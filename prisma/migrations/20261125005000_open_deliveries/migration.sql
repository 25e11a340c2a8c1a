-- Everything open of an endpoint, oldest first: how old the oldest undelivered is, at one probe an endpoint.
CREATE INDEX "deliveries_open_idx" ON "deliveries"("endpoint_id", "opened_at") WHERE "state" IN ('blocked', 'waiting', 'queued');

-- When any worker's attempt last ended, noted every few seconds: a worker that has nothing to do can tell whether
-- the others do. One row.
CREATE TABLE "delivery_progress" (
    "id" SMALLINT NOT NULL DEFAULT 1,
    "attempt_ended_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "delivery_progress_pkey" PRIMARY KEY ("id")
);

ALTER TABLE "delivery_progress" ADD CONSTRAINT "delivery_progress_one_row_check" CHECK ("id" = 1);
