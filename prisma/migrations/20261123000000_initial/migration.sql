-- Tables, keys and plain indexes, as the Prisma schema describes them. What Prisma cannot say (checks,
-- partial indexes, functions) stands at the end.
-- CreateTable
CREATE TABLE "customer_servers" (
    "id" CHAR(24) NOT NULL,
    "name" TEXT NOT NULL,
    "is_default" BOOLEAN NOT NULL DEFAULT false,
    "secret_hash" TEXT NOT NULL,
    "secret_ciphertext" TEXT NOT NULL,
    "previous_secret_hash" TEXT,
    "previous_secret_ciphertext" TEXT,
    "secret_overlap_until" TIMESTAMPTZ(3),
    "outbound_secret" TEXT NOT NULL DEFAULT 'current',
    "applied_secret_hash" TEXT,
    "applied_webhook_url" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT date_trunc('milliseconds', now()),
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT date_trunc('milliseconds', now()),

    CONSTRAINT "customer_servers_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "vendors" (
    "id" CHAR(24) NOT NULL,
    "external_id" TEXT,
    "vendor_name" TEXT NOT NULL DEFAULT '',
    "mobile" TEXT NOT NULL DEFAULT '',
    "business_address" TEXT NOT NULL DEFAULT '',
    "selected_services" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "api_key_hash" TEXT,
    "online_until" TIMESTAMPTZ(3),
    "latitude" DOUBLE PRECISION,
    "longitude" DOUBLE PRECISION,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT date_trunc('milliseconds', now()),
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT date_trunc('milliseconds', now()),

    CONSTRAINT "vendors_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "offer_declines" (
    "order_id" CHAR(24) NOT NULL,
    "vendor_id" CHAR(24) NOT NULL,
    "reason" TEXT,
    "declined_at" TIMESTAMPTZ(3) NOT NULL DEFAULT date_trunc('milliseconds', now()),

    CONSTRAINT "offer_declines_pkey" PRIMARY KEY ("order_id","vendor_id")
);

-- CreateTable
CREATE TABLE "orders" (
    "id" CHAR(24) NOT NULL,
    "customer_server_id" CHAR(24) NOT NULL,
    "customer_id" TEXT NOT NULL,
    "status" TEXT NOT NULL,
    "version" INTEGER NOT NULL,
    "status_actor_type" TEXT NOT NULL,
    "status_actor_id" TEXT,
    "vendor_id" CHAR(24),
    "fare" DECIMAL(12,2) NOT NULL,
    "payment_method" TEXT NOT NULL,
    "payment_status" TEXT NOT NULL DEFAULT 'pending',
    "pickup_address" TEXT NOT NULL,
    "pickup_longitude" DOUBLE PRECISION NOT NULL,
    "pickup_latitude" DOUBLE PRECISION NOT NULL,
    "drop_address" TEXT NOT NULL,
    "drop_longitude" DOUBLE PRECISION NOT NULL,
    "drop_latitude" DOUBLE PRECISION NOT NULL,
    "items" JSON NOT NULL,
    "customer_notes" TEXT,
    "vendor_notes" TEXT,
    "work_type" TEXT,
    "metadata" JSON NOT NULL DEFAULT '{}',
    "scheduled_at" TIMESTAMPTZ(3),
    "assigned_at" TIMESTAMPTZ(3),
    "accepted_at" TIMESTAMPTZ(3),
    "completed_at" TIMESTAMPTZ(3),
    "cancelled_at" TIMESTAMPTZ(3),
    "cancellation_reason" TEXT,
    "cancelled_by" TEXT,
    "personal_data_erased_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "orders_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "order_transitions" (
    "id" CHAR(24) NOT NULL,
    "order_id" CHAR(24) NOT NULL,
    "customer_server_id" CHAR(24) NOT NULL,
    "version" INTEGER NOT NULL,
    "from_status" TEXT,
    "to_status" TEXT NOT NULL,
    "actor_type" TEXT NOT NULL,
    "actor_id" TEXT,
    "reason" TEXT,
    "changed_at" TIMESTAMPTZ(3) NOT NULL,
    "request_id" TEXT,
    "traceparent" TEXT,
    "body" TEXT NOT NULL,
    "seq" BIGSERIAL NOT NULL,
    "feed_position" BIGINT,

    CONSTRAINT "order_transitions_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "idempotency_keys" (
    "customer_server_id" CHAR(24) NOT NULL,
    "key" TEXT NOT NULL,
    "body_hash" TEXT NOT NULL,
    "response_body" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT date_trunc('milliseconds', now()),

    CONSTRAINT "idempotency_keys_pkey" PRIMARY KEY ("customer_server_id","key")
);

-- CreateTable
CREATE TABLE "webhook_endpoints" (
    "id" CHAR(24) NOT NULL,
    "customer_server_id" CHAR(24) NOT NULL,
    "is_default" BOOLEAN NOT NULL DEFAULT false,
    "url" TEXT NOT NULL,
    "all_statuses" BOOLEAN NOT NULL DEFAULT true,
    "statuses" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "mode" TEXT NOT NULL DEFAULT 'every_step',
    "own_retry_delays" BOOLEAN NOT NULL DEFAULT false,
    "retry_delays_ms" INTEGER[] DEFAULT ARRAY[]::INTEGER[],
    "timeout_ms" INTEGER,
    "send_shared_secret" BOOLEAN NOT NULL DEFAULT false,
    "signing_secret_ciphertext" TEXT NOT NULL,
    "previous_signing_secret_ciphertext" TEXT,
    "signing_overlap_until" TIMESTAMPTZ(3),
    "state" TEXT NOT NULL DEFAULT 'active',
    "state_reason" TEXT,
    "state_changed_at" TIMESTAMPTZ(3) NOT NULL DEFAULT date_trunc('milliseconds', now()),
    "window" INTEGER NOT NULL DEFAULT 16,
    "window_changed_at" TIMESTAMPTZ(6) NOT NULL DEFAULT now(),
    "window_successes" INTEGER NOT NULL DEFAULT 0,
    "consecutive_failures" INTEGER NOT NULL DEFAULT 0,
    "failing_order_ids" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "gone_order_ids" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "failing_since" TIMESTAMPTZ(3),
    "last_success_at" TIMESTAMPTZ(3),
    "last_failure_at" TIMESTAMPTZ(3),
    "last_failure_reason" TEXT,
    "broken_since" TIMESTAMPTZ(3),
    "next_probe_at" TIMESTAMPTZ(6),
    "probe_cooldown_ms" INTEGER,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT date_trunc('milliseconds', now()),
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT date_trunc('milliseconds', now()),
    "deleted_at" TIMESTAMPTZ(3),

    CONSTRAINT "webhook_endpoints_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "deliveries" (
    "id" CHAR(24) NOT NULL,
    "customer_server_id" CHAR(24) NOT NULL,
    "transition_id" CHAR(24) NOT NULL,
    "order_id" CHAR(24) NOT NULL,
    "order_version" INTEGER NOT NULL,
    "endpoint_id" CHAR(24) NOT NULL,
    "changed_at" TIMESTAMPTZ(3) NOT NULL,
    "state" TEXT NOT NULL,
    "due_at" TIMESTAMPTZ(6) NOT NULL DEFAULT clock_timestamp(),
    "job_due_at" TIMESTAMPTZ(6),
    "generation" INTEGER NOT NULL DEFAULT 0,
    "attempt_count" INTEGER NOT NULL DEFAULT 0,
    "budget_used" INTEGER NOT NULL DEFAULT 0,
    "interrupted_count" INTEGER NOT NULL DEFAULT 0,
    "claim_token" TEXT,
    "claimed_until" TIMESTAMPTZ(6),
    "opened_by" TEXT NOT NULL DEFAULT 'change',
    "opened_at" TIMESTAMPTZ(6) NOT NULL DEFAULT clock_timestamp(),
    "replay_id" CHAR(24),
    "is_probe" BOOLEAN NOT NULL DEFAULT false,
    "use_other_secret" BOOLEAN NOT NULL DEFAULT false,
    "last_outcome" TEXT,
    "last_response_status" INTEGER,
    "last_error" TEXT,
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "deliveries_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "delivery_attempts" (
    "delivery_id" CHAR(24) NOT NULL,
    "attempt_number" INTEGER NOT NULL,
    "trigger" TEXT NOT NULL,
    "claim_token" TEXT NOT NULL,
    "started_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    "ended_at" TIMESTAMPTZ(3),
    "duration_ms" INTEGER,
    "outcome" TEXT,
    "response_status" INTEGER,
    "response_excerpt" TEXT,
    "error" TEXT,

    CONSTRAINT "delivery_attempts_pkey" PRIMARY KEY ("delivery_id","attempt_number")
);

-- CreateTable
CREATE TABLE "replays" (
    "id" CHAR(24) NOT NULL,
    "customer_server_id" CHAR(24) NOT NULL,
    "since" TIMESTAMPTZ(3) NOT NULL,
    "until" TIMESTAMPTZ(3) NOT NULL,
    "endpoint_id" CHAR(24),
    "states" TEXT[],
    "state" TEXT NOT NULL DEFAULT 'running',
    "cursor_changed_at" TIMESTAMPTZ(3),
    "cursor_id" CHAR(24),
    "matched" INTEGER NOT NULL DEFAULT 0,
    "reopened" INTEGER NOT NULL DEFAULT 0,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT date_trunc('milliseconds', now()),
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "replays_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "customer_servers_secret_hash_key" ON "customer_servers"("secret_hash");

-- CreateIndex
CREATE UNIQUE INDEX "customer_servers_previous_secret_hash_key" ON "customer_servers"("previous_secret_hash");

-- CreateIndex
CREATE INDEX "customer_servers_created_at_id_idx" ON "customer_servers"("created_at" DESC, "id" DESC);

-- CreateIndex
CREATE UNIQUE INDEX "vendors_external_id_key" ON "vendors"("external_id");

-- CreateIndex
CREATE UNIQUE INDEX "vendors_api_key_hash_key" ON "vendors"("api_key_hash");

-- CreateIndex
CREATE INDEX "vendors_created_at_id_idx" ON "vendors"("created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "offer_declines_vendor_id_idx" ON "offer_declines"("vendor_id");

-- CreateIndex
CREATE INDEX "orders_customer_server_id_created_at_id_idx" ON "orders"("customer_server_id", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "orders_vendor_id_created_at_id_idx" ON "orders"("vendor_id", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "orders_created_at_id_idx" ON "orders"("created_at" DESC, "id" DESC);

-- CreateIndex
CREATE UNIQUE INDEX "order_transitions_seq_key" ON "order_transitions"("seq");

-- CreateIndex
CREATE UNIQUE INDEX "order_transitions_feed_position_key" ON "order_transitions"("feed_position");

-- CreateIndex
CREATE INDEX "order_transitions_customer_server_id_feed_position_idx" ON "order_transitions"("customer_server_id", "feed_position");

-- CreateIndex
CREATE UNIQUE INDEX "order_transitions_order_id_version_key" ON "order_transitions"("order_id", "version");

-- CreateIndex
CREATE INDEX "idempotency_keys_created_at_idx" ON "idempotency_keys"("created_at");

-- CreateIndex
CREATE INDEX "webhook_endpoints_customer_server_id_created_at_id_idx" ON "webhook_endpoints"("customer_server_id", "created_at", "id");

-- CreateIndex
CREATE INDEX "deliveries_customer_server_id_changed_at_id_idx" ON "deliveries"("customer_server_id", "changed_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "deliveries_order_id_order_version_idx" ON "deliveries"("order_id", "order_version");

-- CreateIndex
CREATE INDEX "deliveries_endpoint_id_changed_at_id_idx" ON "deliveries"("endpoint_id", "changed_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "deliveries_replay_id_idx" ON "deliveries"("replay_id");

-- CreateIndex
CREATE UNIQUE INDEX "deliveries_transition_id_endpoint_id_key" ON "deliveries"("transition_id", "endpoint_id");

-- CreateIndex
CREATE INDEX "replays_customer_server_id_created_at_id_idx" ON "replays"("customer_server_id", "created_at" DESC, "id" DESC);

-- AddForeignKey
ALTER TABLE "offer_declines" ADD CONSTRAINT "offer_declines_order_id_fkey" FOREIGN KEY ("order_id") REFERENCES "orders"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "offer_declines" ADD CONSTRAINT "offer_declines_vendor_id_fkey" FOREIGN KEY ("vendor_id") REFERENCES "vendors"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "orders" ADD CONSTRAINT "orders_customer_server_id_fkey" FOREIGN KEY ("customer_server_id") REFERENCES "customer_servers"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "orders" ADD CONSTRAINT "orders_vendor_id_fkey" FOREIGN KEY ("vendor_id") REFERENCES "vendors"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "order_transitions" ADD CONSTRAINT "order_transitions_order_id_fkey" FOREIGN KEY ("order_id") REFERENCES "orders"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "idempotency_keys" ADD CONSTRAINT "idempotency_keys_customer_server_id_fkey" FOREIGN KEY ("customer_server_id") REFERENCES "customer_servers"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "webhook_endpoints" ADD CONSTRAINT "webhook_endpoints_customer_server_id_fkey" FOREIGN KEY ("customer_server_id") REFERENCES "customer_servers"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "deliveries" ADD CONSTRAINT "deliveries_transition_id_fkey" FOREIGN KEY ("transition_id") REFERENCES "order_transitions"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "deliveries" ADD CONSTRAINT "deliveries_order_id_fkey" FOREIGN KEY ("order_id") REFERENCES "orders"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "deliveries" ADD CONSTRAINT "deliveries_endpoint_id_fkey" FOREIGN KEY ("endpoint_id") REFERENCES "webhook_endpoints"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "deliveries" ADD CONSTRAINT "deliveries_replay_id_fkey" FOREIGN KEY ("replay_id") REFERENCES "replays"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "delivery_attempts" ADD CONSTRAINT "delivery_attempts_delivery_id_fkey" FOREIGN KEY ("delivery_id") REFERENCES "deliveries"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "replays" ADD CONSTRAINT "replays_customer_server_id_fkey" FOREIGN KEY ("customer_server_id") REFERENCES "customer_servers"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "replays" ADD CONSTRAINT "replays_endpoint_id_fkey" FOREIGN KEY ("endpoint_id") REFERENCES "webhook_endpoints"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- What follows is invisible to the Prisma schema.

-- Time-ordered ids made by the database: 48 bits of milliseconds, 48 random bits, 24 hex characters.
-- The first 48 bits of a version 4 UUID are random (RFC 9562 section 5.4).
CREATE FUNCTION "new_id"() RETURNS char(24) LANGUAGE sql VOLATILE AS $$
  SELECT (lpad(to_hex(floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0')
    || substr(replace(gen_random_uuid()::text, '-', ''), 1, 12))::char(24)
$$;

-- The order of the feed. A sequence, not max + 1: positions must not be given twice when old rows are gone.
CREATE SEQUENCE "feed_position_seq" AS bigint;

CREATE UNIQUE INDEX "customer_servers_default_key" ON "customer_servers"("is_default") WHERE "is_default";
CREATE INDEX "orders_pending_idx" ON "orders"("created_at" DESC, "id" DESC) WHERE "status" = 'pending';
CREATE INDEX "order_transitions_unassigned_idx" ON "order_transitions"("seq") WHERE "feed_position" IS NULL;
CREATE INDEX "webhook_endpoints_open_idx" ON "webhook_endpoints"("customer_server_id") WHERE "deleted_at" IS NULL;
CREATE INDEX "webhook_endpoints_broken_idx" ON "webhook_endpoints"("next_probe_at") WHERE "window" = 0 AND "deleted_at" IS NULL;

-- A lane is what one endpoint is told about one order. At most one delivery of a lane may be on its way:
-- a mistake in the code that orders them becomes a unique violation instead of a wrong order.
CREATE UNIQUE INDEX "deliveries_lane_head_key" ON "deliveries"("endpoint_id", "order_id") WHERE "state" IN ('waiting', 'queued');
CREATE INDEX "deliveries_blocked_idx" ON "deliveries"("endpoint_id", "order_id", "order_version") WHERE "state" = 'blocked';
CREATE INDEX "deliveries_waiting_idx" ON "deliveries"("endpoint_id", "due_at", "id") WHERE "state" = 'waiting';
CREATE INDEX "deliveries_queued_idx" ON "deliveries"("endpoint_id") WHERE "state" = 'queued';
CREATE INDEX "deliveries_unclaimed_idx" ON "deliveries"("job_due_at", "id") WHERE "state" = 'queued' AND "claim_token" IS NULL;
CREATE INDEX "deliveries_claimed_idx" ON "deliveries"("claimed_until") WHERE "claim_token" IS NOT NULL;
CREATE INDEX "deliveries_finished_idx" ON "deliveries"("finished_at") WHERE "finished_at" IS NOT NULL;

ALTER TABLE "customer_servers"
  ADD CONSTRAINT "customer_servers_outbound_secret_check" CHECK ("outbound_secret" IN ('current', 'previous'));

ALTER TABLE "orders"
  ADD CONSTRAINT "orders_id_check" CHECK ("id" ~ '^[0-9a-f]{24}$'),
  ADD CONSTRAINT "orders_status_check" CHECK ("status" IN ('pending', 'assigned', 'accepted', 'in_progress', 'payment_requested', 'payment_confirmed', 'arrival_confirmed', 'completed', 'cancelled')),
  ADD CONSTRAINT "orders_version_check" CHECK ("version" >= 1),
  ADD CONSTRAINT "orders_fare_check" CHECK ("fare" >= 0),
  ADD CONSTRAINT "orders_payment_method_check" CHECK ("payment_method" IN ('cod', 'online', 'wallet')),
  ADD CONSTRAINT "orders_payment_status_check" CHECK ("payment_status" IN ('pending', 'paid')),
  ADD CONSTRAINT "orders_actor_check" CHECK ("status_actor_type" IN ('customer_server', 'vendor', 'partner', 'admin')),
  ADD CONSTRAINT "orders_pending_check" CHECK ("status" <> 'pending' OR ("vendor_id" IS NULL AND "assigned_at" IS NULL AND "accepted_at" IS NULL)),
  ADD CONSTRAINT "orders_completed_check" CHECK (("status" <> 'completed') OR "completed_at" IS NOT NULL),
  ADD CONSTRAINT "orders_cancelled_check" CHECK (("status" = 'cancelled') = ("cancelled_at" IS NOT NULL AND "cancelled_by" IS NOT NULL)),
  ADD CONSTRAINT "orders_cancelled_by_check" CHECK ("cancelled_by" IN ('customer', 'vendor', 'admin')),
  ADD CONSTRAINT "orders_coordinates_check" CHECK ("pickup_longitude" BETWEEN -180 AND 180 AND "drop_longitude" BETWEEN -180 AND 180 AND "pickup_latitude" BETWEEN -90 AND 90 AND "drop_latitude" BETWEEN -90 AND 90);

ALTER TABLE "order_transitions"
  ADD CONSTRAINT "order_transitions_status_check" CHECK ("to_status" IN ('pending', 'assigned', 'accepted', 'in_progress', 'payment_requested', 'payment_confirmed', 'arrival_confirmed', 'completed', 'cancelled')),
  ADD CONSTRAINT "order_transitions_first_check" CHECK (("version" = 1) = ("from_status" IS NULL)),
  ADD CONSTRAINT "order_transitions_actor_check" CHECK ("actor_type" IN ('customer_server', 'vendor', 'partner', 'admin'));

ALTER TABLE "webhook_endpoints"
  ADD CONSTRAINT "webhook_endpoints_mode_check" CHECK ("mode" IN ('every_step', 'latest_only')),
  ADD CONSTRAINT "webhook_endpoints_state_check" CHECK ("state" IN ('active', 'paused', 'disabled')),
  ADD CONSTRAINT "webhook_endpoints_timeout_check" CHECK ("timeout_ms" BETWEEN 500 AND 10000),
  ADD CONSTRAINT "webhook_endpoints_window_check" CHECK ("window" BETWEEN 0 AND 64),
  ADD CONSTRAINT "webhook_endpoints_retry_check" CHECK (cardinality("retry_delays_ms") <= 10 AND 100 <= ALL ("retry_delays_ms") AND 86400000 >= ALL ("retry_delays_ms"));

ALTER TABLE "deliveries"
  ADD CONSTRAINT "deliveries_state_check" CHECK ("state" IN ('blocked', 'waiting', 'queued', 'delivered', 'failed', 'superseded', 'cancelled')),
  ADD CONSTRAINT "deliveries_claim_check" CHECK (("claim_token" IS NULL) = ("claimed_until" IS NULL) AND ("claim_token" IS NULL OR "state" = 'queued')),
  ADD CONSTRAINT "deliveries_job_check" CHECK (("job_due_at" IS NOT NULL) = ("state" = 'queued')),
  ADD CONSTRAINT "deliveries_finished_check" CHECK (("finished_at" IS NOT NULL) = ("state" IN ('delivered', 'failed', 'superseded', 'cancelled'))),
  ADD CONSTRAINT "deliveries_counts_check" CHECK ("generation" >= 0 AND "attempt_count" >= 0 AND "budget_used" >= 0 AND "interrupted_count" >= 0),
  ADD CONSTRAINT "deliveries_last_outcome_check" CHECK ("last_outcome" IN ('acknowledged', 'rejected', 'timed_out', 'connection_failed', 'dns_failed', 'tls_failed', 'blocked_address', 'redirected', 'response_too_large', 'malformed_response', 'interrupted')),
  ADD CONSTRAINT "deliveries_opened_by_check" CHECK ("opened_by" IN ('change', 'resend', 'replay'));

ALTER TABLE "delivery_attempts"
  ADD CONSTRAINT "delivery_attempts_number_check" CHECK ("attempt_number" >= 1),
  ADD CONSTRAINT "delivery_attempts_end_check" CHECK (("ended_at" IS NULL) = ("outcome" IS NULL)),
  ADD CONSTRAINT "delivery_attempts_outcome_check" CHECK ("outcome" IN ('acknowledged', 'rejected', 'timed_out', 'connection_failed', 'dns_failed', 'tls_failed', 'blocked_address', 'redirected', 'response_too_large', 'malformed_response', 'interrupted')),
  ADD CONSTRAINT "delivery_attempts_trigger_check" CHECK ("trigger" IN ('first', 'retry', 'resend', 'replay', 'probe', 'rotation', 'resume'));

ALTER TABLE "replays"
  ADD CONSTRAINT "replays_state_check" CHECK ("state" IN ('running', 'reopened', 'completed'));
