import type { Random } from '../history/testing/create-random.ts';
import type { QueueBackend } from './queue-backend.ts';
import type { FaultStage } from './stage/create-fault-stage.ts';

/** Something that is done to the system while changes go on. */
export interface Fault {
  /** What is done to whom, as a row of the table says it. */
  readonly kind: string;
  /** Where the queue lives in the systems it is done to. */
  readonly backends: readonly QueueBackend[];
  /** How long it goes on in the full form; the short one takes what `stage.hangMs` leaves of it. */
  readonly lastsMs: number;
  /** A worker dies, or is stopped for longer than its lease: it may have had an answer that nobody recorded. */
  readonly allowsDuplicates: boolean;
  /** A worker that lives may be kept from recording the answers it has. */
  readonly delaysRecords: boolean;
  /**
   * Does it and undoes it: when it resolves, what is needed runs again, and the system has to find its way by itself.
   * Throws when the fault did not happen.
   */
  inject(stage: FaultStage, random: Random): Promise<void>;
}
