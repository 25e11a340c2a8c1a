-- Lists of deliveries that ended other than delivered: a few failures are found among millions that went well.
-- By endpoint, because a customer server has few of them. A delivery that goes well never enters this index.
CREATE INDEX "deliveries_unsuccessful_idx" ON "deliveries"("endpoint_id", "state", "changed_at" DESC, "id" DESC)
  WHERE "state" IN ('failed', 'superseded', 'cancelled');
