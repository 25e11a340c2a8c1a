import { describe, expect, test } from 'vitest';
import { findHazards, findUnexplainedHazards } from './find-migration-hazards.ts';

const kindsOf = (sql: string) => findHazards(sql).map(({ kind }) => kind);

describe('findHazards', () => {
  test.each([
    'create table a (b int not null unique); create unique index a_key on a (b); alter table a add check (b > 0)',
    'create table a (b int); insert into a values (1); alter table a alter column b set not null, drop column b',
    'ALTER TABLE "orders" ADD COLUMN "a" TEXT, ADD COLUMN "b" INTEGER NOT NULL DEFAULT 0',
    "alter table orders add column a timestamptz not null default date_trunc('milliseconds', now())",
    'create index concurrently if not exists a_idx on deliveries (state)',
    'drop index deliveries_open_idx; drop index concurrently if exists a_idx',
    'alter table orders validate constraint a_check',
    'alter table orders drop constraint orders_status_check',
    "alter table orders alter column fare set default 0; comment on table orders is 'drop table orders'",
    '-- drop table orders;\ncreate function f() returns int language sql as $$ delete from orders; select 1 $$',
  ])('finds none in: %s', (sql) => {
    expect(findHazards(sql)).toEqual([]);
  });

  test.each([
    ['drop table orders', 'breaks'],
    ['truncate orders', 'breaks'],
    ['drop function new_id()', 'breaks'],
    ['alter table orders drop column fare', 'breaks'],
    ['alter table only orders drop fare', 'breaks'],
    ['alter table orders rename to o', 'breaks'],
    ['alter table orders rename column fare to price', 'breaks'],
    ['alter index orders_pending_idx rename to a_idx', 'breaks'],
    ['ALTER TABLE "orders" ADD COLUMN "a" TEXT NOT NULL', 'breaks'],
    ['alter table orders add a int, add b numeric(12,2) not null', 'breaks'],
    ['alter table orders alter column fare drop default', 'breaks'],
    ['drop index order_transitions_order_id_version_key', 'breaks'],
    ['alter table orders drop constraint orders_pkey', 'breaks'],
    ['alter table orders alter column fare type int', 'breaks', 'blocks'],
    ['alter table orders alter fare set data type int', 'breaks', 'blocks'],
    ['alter table orders alter column work_type set not null', 'breaks', 'blocks'],
    ['alter table orders alter column fare drop not null', 'restricts'],
    ['alter table orders add constraint a_check check (fare > 0) not valid', 'restricts'],
    ['alter table orders add constraint a_check check (fare > 0)', 'restricts', 'blocks'],
    ['alter table orders add constraint a_key unique (fare)', 'restricts', 'blocks'],
    ['alter table orders add column a int check (a in (1, 2))', 'restricts', 'blocks'],
    ['create unique index concurrently a_key on orders (fare)', 'restricts'],
    ['create unique index a_key on orders (fare)', 'restricts', 'blocks'],
    ['create index if not exists a_idx on only deliveries (state)', 'blocks'],
    ['alter table orders add column a text default new_id()', 'blocks'],
    ['alter table orders add column a bigserial', 'blocks'],
    ['alter table orders add column a int generated always as (version + 1) stored', 'blocks'],
    ['update orders set fare = 0', 'blocks'],
    ['delete from deliveries', 'blocks'],
    ['lock table orders', 'unknown'],
    ['alter table orders set unlogged', 'unknown'],
    ['create trigger t after insert on orders execute function f()', 'unknown'],
    ['do $$ begin drop table orders; end $$', 'unknown'],
  ])('finds in %s: %s %s', (sql, ...kinds) => {
    expect(kindsOf(sql)).toEqual(kinds.filter(Boolean));
  });

  test('finds a constraint that is validated where it is added', () => {
    const adding = 'alter table orders add constraint a_check check (fare > 0) not valid';
    expect(kindsOf(`${adding}; alter table orders validate constraint a_check`)).toEqual([
      'restricts',
      'blocks',
    ]);
    expect(kindsOf(`${adding}; alter table orders validate constraint b_check`)).toEqual(['restricts']);
  });
});

describe('findUnexplainedHazards', () => {
  const index = 'create index a_idx on deliveries (state);';
  const reason = 'the index is small, and the table is scanned within 0.2 s';

  test.each([
    ['a hazard without a reason', '1_index', index, 1],
    ['one with a reason', '1_index', `-- Accepted (blocks): ${reason}\n${index}`, 0],
    ['one with hardly a reason', '1_index', `-- Accepted (blocks): it is fine\n${index}`, 1],
    ['one with the reason for another', '1_index', `-- Accepted (restricts): ${reason}\n${index}`, 1],
    ['what breaks, whatever the reason', '1_drop', `-- Accepted (breaks): ${reason}\ndrop table orders;`, 1],
    ['what breaks in a contract', '1_drop_needs_20260101000000', 'drop table orders;', 0],
    ['what blocks in a contract', '1_drop_needs_20260101000000', `drop table orders; ${index}`, 1],
  ])('finds %s', (_what, name, sql, count) => {
    expect(findUnexplainedHazards({ name, sql })).toHaveLength(count);
  });
});
