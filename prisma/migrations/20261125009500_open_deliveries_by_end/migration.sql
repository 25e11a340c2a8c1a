-- The same rows (deliveries_finished_check), said in words that "state = 'waiting'" does not imply: with statistics of
-- a quiet time every index of what is open looks empty, and PostgreSQL took this one for what another is made for,
-- walking all that an endpoint has open for one of its heads.
DROP INDEX "deliveries_open_idx";
CREATE INDEX "deliveries_open_idx" ON "deliveries"("endpoint_id", "opened_at") WHERE "finished_at" IS NULL;
