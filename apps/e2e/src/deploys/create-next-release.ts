/**
 * A release after this one, as far as its database goes: it has every kind of statement that a migration may hold
 * without a reason (find-migration-hazards.ts), on every table there is. What this version works on while and after that
 * is applied is what it can expect of any next release.
 */
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type CheckedOutRelease, THIS_RELEASE } from './release.ts';

/** Their names come after all that will ever be written. */
const FIRST_NUMBER = 99_000_000_000_001;

/** @param tables all tables of this release */
export async function createNextRelease(tables: readonly string[]): Promise<CheckedOutRelease> {
  const migrationsDir = await mkdtemp(path.join(tmpdir(), 'vendor-server-next-'));
  await cp(THIS_RELEASE.migrationsDir, migrationsDir, { recursive: true });
  for (const [index, sql] of listNextMigrations(tables).entries()) {
    const directory = path.join(migrationsDir, `${FIRST_NUMBER + index}_next`);
    await mkdir(directory);
    await writeFile(path.join(directory, 'migration.sql'), sql);
  }
  return { ...THIS_RELEASE, migrationsDir, remove: () => rm(migrationsDir, { recursive: true }) };
}

/** The SQL of each. One table a migration: its lock is held together with no other. */
export function listNextMigrations(tables: readonly string[]): string[] {
  return [
    ...tables.map(
      (table) => `
        alter table "${table}"
          add column "next_text" text,
          add column "next_count" integer not null default 0,
          add column "next_at" timestamptz(3) not null default now(),
          add column "next_list" text[] not null default array[]::text[]`,
    ),
    `create table "next_things" ("id" char(24) primary key, "order_id" char(24) references "orders"("id"));
     create index "next_things_order_id_idx" on "next_things"("order_id");
     insert into "next_things" ("id") values ('000000000000000000000000')`,
    'create index concurrently if not exists "next_idx" on "deliveries"("next_text") where "next_text" is not null',
    'drop index "orders_created_at_id_idx"',
    'alter table "orders" drop constraint "orders_payment_method_check"',
  ];
}
