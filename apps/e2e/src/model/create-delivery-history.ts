/**
 * What happens to deliveries, seen from inside: a trigger in the test's database writes down every version of every
 * row, whose connection made it and by which statement. What is rolled back is not in it.
 */
import { createHash } from 'node:crypto';
import type { DeliveryState } from '@vendor-server/domain/deliveries/delivery-state.ts';
import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';

/** Of a delivery's row what rules speak of, as PostgreSQL's `to_jsonb` gives it. */
export interface RowVersion {
  readonly id: string;
  readonly order_id: string;
  readonly order_version: number;
  readonly endpoint_id: string;
  readonly state: DeliveryState;
  readonly generation: number;
  readonly claim_token: string | null;
  readonly attempt_count: number;
  readonly budget_used: number;
  readonly interrupted_count: number;
  readonly opened_by: 'change' | 'resend' | 'replay';
  readonly is_probe: boolean;
  readonly use_other_secret: boolean;
  readonly last_outcome: string | null;
}

export interface DeliveryEvent {
  readonly actor: string;
  /** The statement's name; null for the test's own. */
  readonly statement: string | null;
  /** Null for a new row. */
  readonly before: RowVersion | null;
  readonly after: RowVersion;
}

/** `current_query()` is the text a client sent: what a statement is called is known to whoever sends it. */
const SET_UP = `
  create table model_history (
    seq bigserial, actor text not null, statement text not null, before jsonb, after jsonb not null
  );
  create function note_version() returns trigger language plpgsql as $$
  begin
    insert into model_history (actor, statement, before, after)
    values (current_setting('application_name'), md5(current_query()),
            case when tg_op = 'UPDATE' then to_jsonb(old) end, to_jsonb(new));
    return null;
  end $$;
  create trigger note_version after insert or update on deliveries for each row execute function note_version()`;

export interface DeliveryHistory {
  /** To be told of every statement before it is sent. */
  learn(name: string, text: string): void;
  /** What has committed since the last time. Of one row in the order in which it was. */
  read(): Promise<readonly DeliveryEvent[]>;
}

export async function createDeliveryHistory(executor: SqlExecutor): Promise<DeliveryHistory> {
  await executor.query(SET_UP);
  const names = new Map<string, string>();
  return {
    learn(name, text) {
      names.set(createHash('md5').update(text).digest('hex'), name);
    },
    async read() {
      // Taken out and not read on from a number: what commits late has a lower one.
      const { rows } = await executor.query<Omit<DeliveryEvent, 'statement'> & { hash: string }>({
        name: 'take-history',
        text: `with taken as (delete from model_history returning *)
               select actor, statement as hash, before, after from taken order by seq`,
        values: [],
      });
      return rows.map(({ hash, ...event }) => ({ ...event, statement: names.get(hash) ?? null }));
    },
  };
}
