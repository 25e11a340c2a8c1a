-- AlterTable
ALTER TABLE "deliveries" ADD COLUMN     "counts_for_replay" BOOLEAN NOT NULL DEFAULT false;

-- AlterTable
ALTER TABLE "replays" ADD COLUMN     "delivered" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN     "failed" INTEGER NOT NULL DEFAULT 0;

-- CreateTable
CREATE TABLE "replay_endpoints" (
    "replay_id" CHAR(24) NOT NULL,
    "endpoint_id" CHAR(24) NOT NULL,
    "cursor_changed_at" TIMESTAMPTZ(3),
    "cursor_id" CHAR(24),
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "replay_endpoints_pkey" PRIMARY KEY ("replay_id","endpoint_id")
);

-- AddForeignKey
ALTER TABLE "replay_endpoints" ADD CONSTRAINT "replay_endpoints_replay_id_fkey" FOREIGN KEY ("replay_id") REFERENCES "replays"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "replay_endpoints" ADD CONSTRAINT "replay_endpoints_endpoint_id_fkey" FOREIGN KEY ("endpoint_id") REFERENCES "webhook_endpoints"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- What follows is invisible to the Prisma schema.

-- As large as what replays have under way: finished deliveries leave it when they are counted.
CREATE INDEX "deliveries_replayed_idx" ON "deliveries"("endpoint_id", "replay_id") WHERE "counts_for_replay";
CREATE INDEX "replays_unfinished_idx" ON "replays"("id") WHERE "state" <> 'completed';
CREATE INDEX "replay_endpoints_unfinished_idx" ON "replay_endpoints"("replay_id", "endpoint_id") WHERE "finished_at" IS NULL;

ALTER TABLE "replay_endpoints"
  ADD CONSTRAINT "replay_endpoints_cursor_check" CHECK (("cursor_changed_at" IS NULL) = ("cursor_id" IS NULL));
