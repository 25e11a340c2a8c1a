import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { PrismaPg } from '@prisma/adapter-pg';
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils';
import { SchemaEngine } from '@prisma/schema-engine-wasm';
import { DELIVERY_STATES, FINAL_DELIVERY_STATES } from '@vendor-server/domain/deliveries/delivery-state.ts';
import { ACTOR_TYPES } from '@vendor-server/domain/orders/actor.ts';
import { type CancelledBy, PAYMENT_METHODS, type PaymentStatus } from '@vendor-server/domain/orders/order.ts';
import { ORDER_STATUSES } from '@vendor-server/domain/orders/order-status.ts';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createId } from '../ids/create-id.ts';
import { insertEndpoint, insertOrder, readStates } from '../testing/delivery-fixtures.ts';
import { readCatalog } from '../testing/read-catalog.ts';
import { createTestDatabase, type TestDatabase } from '../testing/test-database.ts';
import { isUniqueViolation } from './database-errors.ts';
import { listMigrations, MIGRATIONS_DIR } from './migrations/list-migrations.ts';
import { withTransaction } from './sql-executor.ts';

const SCHEMA_DIR = fileURLToPath(new URL('../../../../prisma/schema', import.meta.url));
const NO_FILTERS = { externalTables: [], externalEnums: [] };

let testDatabase: TestDatabase;
let pool: pg.Pool;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  ({ pool } = testDatabase.database);
});
afterAll(() => testDatabase.drop());

async function withSchemaEngine<Result>(use: (engine: SchemaEngine) => Promise<Result>): Promise<Result> {
  const factory = bindMigrationAwareSqlAdapterFactory(new PrismaPg(pool));
  const engine = await SchemaEngine.new({ datamodels: undefined }, () => undefined, factory);
  try {
    return await use(engine);
  } finally {
    engine.free();
  }
}

/** The SQL that Prisma would make for an empty database. */
async function buildSqlOfPrismaSchema(): Promise<string> {
  const names = (await readdir(SCHEMA_DIR)).filter((name) => name.endsWith('.prisma'));
  const files = await Promise.all(
    names.map(async (name) => ({ path: name, content: await readFile(path.join(SCHEMA_DIR, name), 'utf8') })),
  );
  const { stdout } = await withSchemaEngine((engine) =>
    engine.diff({
      from: { tag: 'empty' },
      to: { tag: 'schemaDatamodel', files },
      script: true,
      exitCode: null,
      filters: NO_FILTERS,
    }),
  );
  return stdout ?? '';
}

describe('schema and migrations', () => {
  test('agree on every table, column, key and index that Prisma can say', async () => {
    const ofMigrations = await withTransaction(pool, readCatalog);

    const sql = await buildSqlOfPrismaSchema();
    const client = await pool.connect();
    try {
      await client.query('begin; drop schema public cascade; create schema public');
      await client.query(sql);
      const ofSchema = await readCatalog(client);
      expect(ofSchema.columns.length).toBeGreaterThan(100);
      expect(ofMigrations).toEqual(ofSchema);
    } finally {
      await client.query('rollback');
      client.release();
    }
  });

  test("Prisma's own engine takes the history for its own", async () => {
    const migrations = await listMigrations();
    const diagnosis = await withSchemaEngine((engine) =>
      engine.diagnoseMigrationHistory({
        migrationsList: {
          baseDir: MIGRATIONS_DIR,
          lockfile: { path: 'migration_lock.toml', content: 'provider = "postgresql"' },
          shadowDbInitScript: '',
          migrationDirectories: migrations.map(({ name, sql }) => ({
            path: name,
            migrationFile: { path: 'migration.sql', content: { tag: 'ok', value: sql } },
          })),
        },
        optInToShadowDatabase: false,
        filters: NO_FILTERS,
      }),
    );
    expect(diagnosis).toEqual({
      editedMigrationNames: [],
      failedMigrationNames: [],
      hasMigrationsTable: true,
      history: null,
    });
  });
});

describe('lists of values', () => {
  const PAYMENT_STATUSES: PaymentStatus[] = ['paid', 'pending'];
  const CANCELLED_BY: CancelledBy[] = ['admin', 'customer', 'vendor'];

  test.each<[constraint: string, values: readonly string[]]>([
    ['orders_status_check', ORDER_STATUSES],
    ['orders_actor_check', ACTOR_TYPES],
    ['orders_payment_method_check', PAYMENT_METHODS],
    ['orders_payment_status_check', PAYMENT_STATUSES],
    ['orders_cancelled_by_check', CANCELLED_BY],
    ['order_transitions_status_check', ORDER_STATUSES],
    ['order_transitions_actor_check', ACTOR_TYPES],
    ['deliveries_state_check', DELIVERY_STATES],
    ['deliveries_finished_check', FINAL_DELIVERY_STATES],
    ['pruned_deliveries_state_check', FINAL_DELIVERY_STATES],
  ])('%s has those of the domain', async (constraint, values) => {
    const { rows } = await pool.query<{ definition: string }>(
      'select pg_get_constraintdef(oid) as definition from pg_constraint where conname = $1',
      [constraint],
    );
    const inSql = rows[0]?.definition.matchAll(/'([^']*)'::text/g) ?? [];
    expect([...inSql].flatMap((match) => match[1] ?? []).sort()).toEqual([...values].sort());
  });
});

describe('new_id()', () => {
  test('makes 24 hex characters that begin with the time, as createId does', async () => {
    const before = createId();
    const { rows } = await pool.query<{ id: string }>('select new_id() as id from generate_series(1, 500)');
    const after = createId();
    for (const { id } of rows) expect(id).toMatch(/^[0-9a-f]{24}$/);
    expect(new Set(rows.map((row) => row.id)).size).toBe(500);

    const times = rows.map((row) => row.id.slice(0, 12));
    expect(times).toEqual([...times].sort());
    // The database runs on this machine, whose clock it shares.
    expect(before.slice(0, 12) <= (times[0] ?? '')).toBe(true);
    expect((times.at(-1) ?? '') <= after.slice(0, 12)).toBe(true);
  });
});

describe('a lane', () => {
  test.each([
    ['waiting', 'waiting'],
    ['waiting', 'queued'],
    ['queued', 'waiting'],
    ['queued', 'queued'],
  ] as const)('with a %s head refuses a second, %s one', async (first, second) => {
    const endpoint = await insertEndpoint(pool);
    const refused = await insertOrder(pool, endpoint, [first, second]).catch((error: unknown) => error);
    expect(isUniqueViolation(refused, 'deliveries_lane_head_key')).toBe(true);
  });

  test('may have any number before and behind its head; another order or endpoint has its own', async () => {
    const endpoint = await insertEndpoint(pool);
    const { orderId } = await insertOrder(pool, endpoint, [
      'delivered',
      'failed',
      'queued',
      'blocked',
      'blocked',
    ]);
    await insertOrder(pool, endpoint, ['queued']);
    const other = await insertEndpoint(pool, { customerServerId: endpoint.customerServerId });
    await pool.query(
      `insert into deliveries (id, customer_server_id, transition_id, order_id, order_version, endpoint_id,
                               changed_at, state, job_due_at)
       select new_id(), customer_server_id, transition_id, order_id, order_version, $2, changed_at, state, job_due_at
       from deliveries where order_id = $1 and state = 'queued'`,
      [orderId, other.endpointId],
    );
    expect(await readStates(pool, orderId)).toHaveLength(6);
  });
});
