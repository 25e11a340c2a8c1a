-- Which of two overlapping shared secrets a delivery was refused with: the attempt that follows carries the other one,
-- whatever other deliveries have found out meanwhile.
ALTER TABLE "deliveries" ADD COLUMN "refused_secret" TEXT;
-- Not validated, because that would look at every row: all of them are null.
ALTER TABLE "deliveries"
  ADD CONSTRAINT "deliveries_refused_secret_check" CHECK ("refused_secret" IN ('current', 'previous')) NOT VALID;
