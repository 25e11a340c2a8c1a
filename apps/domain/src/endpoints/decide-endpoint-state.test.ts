import { expect, test } from 'vitest';
import { decideEndpointState, type EndpointStateAction } from './decide-endpoint-state.ts';
import type { EndpointState } from './webhook-endpoint.ts';

const changed = (to: EndpointState, startsSmall = false) => ({ kind: 'changed', to, startsSmall });
const unchanged = { kind: 'unchanged' };
const refused = (code: string) => expect.objectContaining({ kind: 'refused', code });

test.each<[EndpointState, EndpointStateAction, unknown]>([
  ['active', 'pause', changed('paused')],
  ['active', 'resume', unchanged],
  ['active', 'enable', unchanged],
  ['paused', 'pause', unchanged],
  ['paused', 'resume', changed('active')],
  ['paused', 'enable', refused('endpoint_paused')],
  ['disabled', 'pause', refused('endpoint_disabled')],
  ['disabled', 'resume', refused('endpoint_disabled')],
  ['disabled', 'enable', changed('active', true)],
])('%s, asked to %s', (state, action, decision) => {
  expect(decideEndpointState({ state, isPausedBySetting: false, action })).toEqual(decision);
});

test('a pause by a person takes the place of one by a setting, which would end with it', () => {
  const paused = { state: 'paused', isPausedBySetting: true } as const;
  expect(decideEndpointState({ ...paused, action: 'pause' })).toEqual(changed('paused'));
  expect(decideEndpointState({ ...paused, action: 'resume' })).toEqual(changed('active'));
});
