-- Operators list endpoints over all customer servers, and look for those that need somebody. Most endpoints are
-- healthy, so each of the partial indexes holds few rows. `failing_since` changes with the first failure and the
-- first success after it only: counting further failures does not touch the index.
-- CreateIndex
CREATE INDEX "webhook_endpoints_created_at_id_idx" ON "webhook_endpoints"("created_at" DESC, "id" DESC);

CREATE INDEX "webhook_endpoints_closed_idx" ON "webhook_endpoints"("created_at" DESC, "id" DESC) WHERE "state" <> 'active' AND "deleted_at" IS NULL;
CREATE INDEX "webhook_endpoints_failing_idx" ON "webhook_endpoints"("created_at" DESC, "id" DESC) WHERE "failing_since" IS NOT NULL AND "deleted_at" IS NULL;
