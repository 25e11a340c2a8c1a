import type { EndpointState } from './webhook-endpoint.ts';

export type EndpointStateAction = 'pause' | 'resume' | 'enable';

export interface EndpointStateRequest {
  readonly state: EndpointState;
  /** The pause is a setting's doing and ends with it: a pause by a person takes its place. */
  readonly isPausedBySetting: boolean;
  readonly action: EndpointStateAction;
}

export type EndpointStateDecision =
  /** `startsSmall`: one delivery at a time first, because nobody knows whether anything answers there again. */
  | { readonly kind: 'changed'; readonly to: EndpointState; readonly startsSmall: boolean }
  | { readonly kind: 'unchanged' }
  | {
      readonly kind: 'refused';
      readonly code: 'endpoint_paused' | 'endpoint_disabled';
      readonly message: string;
    };

const UNCHANGED: EndpointStateDecision = { kind: 'unchanged' };
const PAUSED: EndpointStateDecision = {
  kind: 'refused',
  code: 'endpoint_paused',
  message: 'The webhook endpoint is paused, not disabled: resume it.',
};
const DISABLED: EndpointStateDecision = {
  kind: 'refused',
  code: 'endpoint_disabled',
  message: 'The webhook endpoint is disabled, so nothing is sent to it: enable it when it works again.',
};

/**
 * Pausing and resuming is somebody's wish; disabling is a finding, which `enable` alone takes back. Neither
 * undoes the other silently, and asking for what is the case already changes nothing.
 */
export function decideEndpointState({
  state,
  isPausedBySetting,
  action,
}: EndpointStateRequest): EndpointStateDecision {
  switch (action) {
    case 'pause':
      if (state === 'disabled') return DISABLED;
      return state === 'active' || isPausedBySetting ? change('paused') : UNCHANGED;
    case 'resume':
      if (state === 'disabled') return DISABLED;
      return state === 'paused' ? change('active') : UNCHANGED;
    case 'enable':
      if (state === 'paused') return PAUSED;
      return state === 'disabled' ? { ...change('active'), startsSmall: true } : UNCHANGED;
  }
}

function change(to: EndpointState) {
  return { kind: 'changed', to, startsSmall: false } as const;
}
