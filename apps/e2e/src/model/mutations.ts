/**
 * Parts that correctness rests on, each taken out in the test's own world. A statement is changed on its way to the
 * database; one that does not hold what is to be taken out of it is an error, so that none of these stays behind when
 * the statement is written anew.
 */
import type { Mutation } from './create-model-world.ts';
import type { Rewrite } from './create-stepped-actor.ts';

interface Change {
  readonly statement: string;
  readonly from: string;
  readonly to: string;
}

function rewriteAll(...changes: readonly Change[]): Rewrite {
  return ({ name, text }) => {
    const own = changes.filter(({ statement }) => statement === name);
    return own.reduce((changed, { from, to }) => {
      if (!changed.includes(from)) throw new Error(`${name} does not hold: ${from}`);
      return changed.replaceAll(from, to);
    }, text);
  };
}

export const NOBODY_LOOKS: Mutation = { nobodyLooks: true };

/** A claim takes over another one. */
export const CLAIM_IGNORES_TOKEN: Mutation = {
  rewrite: rewriteAll(
    ...['claim-delivery', 'claim-deliveries'].map((statement) => ({
      statement,
      from: 'and d.claim_token is null',
      to: '',
    })),
  ),
};

/** A worker records whatever has become of its claim. */
export const RECORD_IGNORES_TOKEN: Mutation = {
  rewrite: rewriteAll(
    ...['record-attempt', 'record-attempts'].flatMap((statement) => [
      { statement, from: `and coalesce(claim_token, '') = i.token`, to: '' },
      { statement, from: `and coalesce(d.claim_token, '') = f.token`, to: '' },
    ]),
  ),
};

/** Claims that are made together have one token. */
export const CLAIMS_SHARE_A_TOKEN: Mutation = {
  rewrite: rewriteAll({
    statement: 'claim-deliveries',
    from: 'set claim_token = l.token',
    to: 'set claim_token = (select min(token) from locked)',
  }),
};

/** Attempts that are recorded together end alike. */
export const RECORDS_SHARE_A_FATE: Mutation = {
  rewrite: rewriteAll({
    statement: 'record-attempts',
    from: 'else i.state end as wanted',
    to: 'else min(i.state) over () end as wanted',
  }),
};

/** A record hands its place on to what was changed last. */
export const NEXT_IS_THE_NEWEST: Mutation = {
  rewrite: rewriteAll(
    ...['record-attempt', 'record-attempts'].map((statement) => ({
      statement,
      from: 'order by order_version limit 1)',
      to: 'order by order_version desc limit 1)',
    })),
  ),
};

/** A record looks for a lane's next among what nobody holds. */
export const NEXT_IS_NOT_HELD: Mutation = {
  rewrite: rewriteAll(
    ...['record-attempt', 'record-attempts'].map((statement) => ({
      statement,
      from: `where id = (select id from deliveries
                     where endpoint_id = r.endpoint_id and order_id = r.order_id and state = 'blocked'
                     order by order_version limit 1)
          and state || '' = 'blocked'`,
      to: `where endpoint_id = r.endpoint_id and order_id = r.order_id and state = 'blocked'
        order by order_version limit 1`,
    })),
  ),
};

/** A job that is made again has the id of the one that was lost. */
export const RELAY_KEEPS_GENERATION: Mutation = {
  rewrite: rewriteAll(
    { statement: 'renew-generations', from: 'd.generation + 1', to: 'd.generation' },
    { statement: 'end-expired-claims', from: 'd.generation + 1', to: 'd.generation' },
  ),
};

/** Nothing refuses a lane's second head. */
export const NO_LANE_INDEX: Mutation = { prepare: 'drop index deliveries_lane_head_key' };
