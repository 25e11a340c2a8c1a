-- For the API processes' look for declines that no notification told them of: those of the last half minute.
CREATE INDEX "offer_declines_declined_at_idx" ON "offer_declines"("declined_at");
