/** Far above the endpoints that a worker sends to at a time; some hundred bytes each. */
const MAX_ENDPOINTS = 20_000;

/** What a worker remembers of its endpoints, so that a success costs no statement. */
export interface EndpointMemory {
  /**
   * Counts a success; how many there were under the window that last changed at `since`. Each worker counts its own:
   * with n of them a window grows after n times as many at the latest.
   */
  countSuccess(endpointId: string, since: Date): number;
  /** This worker has seen it fail: a success is to be noted, also one that was claimed before. */
  noteFailure(endpointId: string): void;
  hasFailed(endpointId: string): boolean;
  /** A success was noted. */
  forgiveFailure(endpointId: string): void;
}

interface Remembered {
  since: number;
  successes: number;
  hasFailed: boolean;
}

/** Forgetting costs little: a window that grows later, a run of failures that the next success ends. */
export function createEndpointMemory(maxEndpoints = MAX_ENDPOINTS): EndpointMemory {
  // In the order of their last use: the first is the one that is forgotten.
  const endpoints = new Map<string, Remembered>();

  function recall(endpointId: string): Remembered {
    const remembered = endpoints.get(endpointId) ?? { since: 0, successes: 0, hasFailed: false };
    endpoints.delete(endpointId);
    endpoints.set(endpointId, remembered);
    if (endpoints.size > maxEndpoints) {
      const [idlest = ''] = endpoints.keys();
      endpoints.delete(idlest);
    }
    return remembered;
  }

  return {
    countSuccess(endpointId, since) {
      const remembered = recall(endpointId);
      // One that was claimed under an earlier window ends after later ones: it counts for neither.
      if (since.getTime() < remembered.since) return 0;
      if (since.getTime() > remembered.since) {
        remembered.since = since.getTime();
        remembered.successes = 0;
      }
      remembered.successes += 1;
      return remembered.successes;
    },
    noteFailure(endpointId) {
      recall(endpointId).hasFailed = true;
    },
    hasFailed: (endpointId) => endpoints.get(endpointId)?.hasFailed ?? false,
    forgiveFailure(endpointId) {
      const remembered = endpoints.get(endpointId);
      if (remembered !== undefined) remembered.hasFailed = false;
    },
  };
}
