-- Which shared secret a delivery was refused with, by its hash: "current" and "previous" are other secrets after the next
-- rotation. In the place of "refused_secret", which only releases before this one read and write.
ALTER TABLE "deliveries" ADD COLUMN "refused_secret_hash" TEXT;
