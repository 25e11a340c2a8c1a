-- How exactly an attempt ended, as a code of the table in apps/domain. No check: codes are added with releases, and the
-- process that writes one may be newer than the last migration.
ALTER TABLE "delivery_attempts" ADD COLUMN "reason" TEXT;
