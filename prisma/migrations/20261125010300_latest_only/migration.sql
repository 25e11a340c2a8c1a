-- Whether a change was made while its endpoint wanted the latest only (`webhook_endpoints.mode`). What follows later (a
-- retry, a promotion) goes by the mode at the change, and needs no look at the endpoint. Deliveries that exist were
-- made before the mode had any meaning.
ALTER TABLE "deliveries" ADD COLUMN "replaces_older" BOOLEAN NOT NULL DEFAULT false;
