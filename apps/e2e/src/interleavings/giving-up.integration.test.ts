/**
 * Giving up what a closed endpoint holds for too long, against everything that opens it or moves the delivery
 * meanwhile, each on a connection of its own: nothing is given up that could have gone, and nothing sent that was.
 */
import { lockEndpointRow } from '@vendor-server/api/webhook-endpoints/endpoint-state-sql.ts';
import { inTransaction } from '@vendor-server/platform/testing/interleave.ts';
import { startProbes } from '@vendor-server/worker/relay/probe-sql.ts';
import { describe, expect, test } from 'vitest';
import { buildAction, buildGivingUp } from './endpoint-scripts.ts';
import { createEndpointStage } from './endpoint-stage.ts';
import { buildChange, look } from './lane-scripts.ts';

const stage = createEndpointStage();
const { pool } = stage;

/** Closed for two hours, and what it holds due for as long. */
const OVERDUE = `
  with closed as (
    update webhook_endpoints
       set state_changed_at = now() - interval '2 hours', next_probe_at = case when "window" = 0 then now() end,
           broken_since = case when "window" = 0 then now() - interval '2 hours' end
     where id = $1
  )
  update deliveries set due_at = now() - interval '2 hours' where endpoint_id = $1 and state = 'waiting'`;

describe('in every order of their statements', { timeout: 180_000 }, () => {
  test('giving up and a probe: it is given up, or it is the probe, as the next of its lane may be', async () => {
    const [giver, relay] = await stage.createParties('giver', 'relay');
    const situation = { endpoint: { window: 0 }, states: ['waiting', 'blocked'], prepare: OVERDUE } as const;
    let probes = 0;
    const counts = await stage.runAll(situation, [3, 3], async (lane) => [
      buildGivingUp(giver, lane),
      inTransaction(relay, async () => {
        probes += (await startProbes(relay.client, [lane.endpointId])).length;
      }),
    ]);
    expect(counts).toEqual({
      'failed queued': expect.any(Number),
      'failed waiting': expect.any(Number),
      'queued blocked': expect.any(Number),
    });
    expect(probes).toBe(20 - (counts['failed waiting'] ?? 0));
  });

  test('giving up and a resumption: it is given up, or it goes', async () => {
    const [giver, resumer] = await stage.createParties('giver', 'resumer');
    const situation = {
      endpoint: { state: 'paused' },
      states: ['waiting', 'blocked'],
      prepare: OVERDUE,
    } as const;
    const counts = await stage.runAll(situation, [3, 4], async (lane) => [
      buildGivingUp(giver, lane),
      buildAction(resumer, lane, 'resume'),
    ]);
    expect(Object.keys(counts).toSorted()).toEqual(['failed queued', 'queued blocked']);
  });

  test('giving up and a recovery, which takes the row’s lock alone', async () => {
    const [giver, worker] = await stage.createParties('giver', 'worker');
    const situation = { endpoint: { window: 0 }, states: ['waiting', 'blocked'], prepare: OVERDUE } as const;
    const counts = await stage.runAll(situation, [3, 3], async (lane) => [
      buildGivingUp(giver, lane),
      {
        party: worker,
        steps: [
          async () => {
            await worker.begin();
            await lockEndpointRow(worker.client, lane.endpointId);
            await worker.client.query(
              `update webhook_endpoints set "window" = 1, broken_since = null, window_changed_at = clock_timestamp()
                where id = $1`,
              [lane.endpointId],
            );
          },
          () => worker.commit(),
          ...look(worker, lane),
        ],
      },
    ]);
    expect(Object.keys(counts).toSorted()).toEqual(['failed queued', 'queued blocked']);
    const { rows } = await pool().query(
      `select d.id from deliveries d join webhook_endpoints e on e.id = d.endpoint_id
        where d.state = 'failed' and d.finished_at > e.window_changed_at`,
    );
    expect(rows).toEqual([]);
  });

  test('giving up and a change of the order: the change is next, whether it saw the end or not', async () => {
    const [giver, changer] = await stage.createParties('giver', 'changer');
    const situation = { endpoint: { state: 'disabled' }, states: ['waiting'], prepare: OVERDUE } as const;
    const counts = await stage.runAll(situation, [3, 3], async (lane) => [
      buildGivingUp(giver, lane),
      await buildChange(pool(), changer, lane, look),
    ]);
    expect(counts).toEqual({ 'failed waiting': 20 });
  });

  test('giving up and a change that replaces it: it ends as the one says that came first', async () => {
    const [giver, changer] = await stage.createParties('giver', 'changer');
    const situation = {
      endpoint: { state: 'disabled', mode: 'latest_only' },
      states: ['waiting'],
      prepare: OVERDUE,
    } as const;
    const counts = await stage.runAll(situation, [3, 3], async (lane) => [
      buildGivingUp(giver, lane),
      await buildChange(pool(), changer, lane, look),
    ]);
    // In 4 of the 20 orders it is given up before the change is written.
    expect(counts).toEqual({ 'failed waiting': 4, 'superseded waiting': 16 });
  });

  test('two give up at once: each delivery ends once', async () => {
    const [one, other] = await stage.createParties('one', 'other');
    const situation = {
      endpoint: { state: 'paused' },
      states: ['waiting', 'blocked'],
      prepare: OVERDUE,
    } as const;
    const counts = await stage.runAll(situation, [3, 3], async (lane) => [
      buildGivingUp(one, lane),
      buildGivingUp(other, lane),
    ]);
    expect(counts).toEqual({ 'failed waiting': 20 });
  });
});
