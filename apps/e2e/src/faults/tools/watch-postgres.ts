/**
 * Reads what a connection to PostgreSQL carries (protocol 3.0, "Frontend/Backend Protocol", message formats) and springs
 * traps.
 *
 * A statement is known by the name it was prepared under and its text, also when only its Bind comes. *Before* is its
 * first message. *After* is the end of its transaction: PostgreSQL reports an autocommitted statement complete before
 * it commits, so only ReadyForQuery with "idle" says that something took effect, and the whole answer is kept back until
 * that is known.
 *
 * For clients that send one statement after the other and end each with Sync, as `pg` does; without TLS.
 */
import type { Inspection, ProxiedConnection } from '../../system/create-tcp-proxy.ts';
import type { Caught, Traps } from './create-traps.ts';
import { createValve } from './create-valve.ts';

interface Message {
  /** One letter; empty for the first message of a client, which has none. */
  readonly type: string;
  readonly payload: Buffer;
  readonly bytes: Buffer;
}

const LENGTH_BYTES = 4;

export function watchPostgres(connection: ProxiedConnection, traps: Traps): Inspection {
  const prepared = new Map<string, string>();
  /** Statements of the transaction that is open. */
  let statements: string[] = [];
  let hasFailed = false;
  let isAnswering = false;
  let answer: Buffer[] = [];
  const toServer = createValve(connection.toServer);
  const toClient = createValve(connection.toClient);
  const caught: Caught = {
    release() {
      toServer.open();
      toClient.open();
    },
    cut: () => connection.cut(),
  };

  function onClientMessage({ type, payload, bytes }: Message): void {
    const statement = readStatement(type, payload);
    if (statement !== null) {
      statements.push(statement);
      const spring = traps.spring([statement], 'before');
      if (spring !== null) {
        toServer.shut();
        spring(caught);
      }
    }
    if (type === 'S' || type === 'Q') isAnswering = true;
    toServer.pass(bytes);
  }

  function readStatement(type: string, payload: Buffer): string | null {
    if (type === 'Q') return readText(payload, 0).text;
    if (type === 'P') {
      const name = readText(payload, 0);
      const { text } = readText(payload, name.end);
      prepared.set(name.text, `${name.text} ${text}`.trimStart());
      // Its Bind comes with it, and counts.
      return null;
    }
    if (type !== 'B') return null;
    const portal = readText(payload, 0);
    return prepared.get(readText(payload, portal.end).text) ?? null;
  }

  function onServerMessage({ type, payload, bytes }: Message): void {
    if (!isAnswering) return toClient.pass(bytes);
    answer.push(bytes);
    if (type === 'E' || (type === 'C' && readText(payload, 0).text === 'ROLLBACK')) hasFailed = true;
    if (type !== 'Z') return;
    isAnswering = false;
    if (payload.toString('latin1', 0, 1) === 'I') {
      const spring = hasFailed ? null : traps.spring(statements, 'after');
      statements = [];
      hasFailed = false;
      if (spring !== null) {
        toClient.shut();
        spring(caught);
      }
    }
    toClient.pass(Buffer.concat(answer));
    answer = [];
  }

  return {
    toServer: createMessageReader({ beginsUntyped: true }, onClientMessage),
    toClient: createMessageReader({ beginsUntyped: false }, onServerMessage),
  };
}

/** Puts chunks together and takes them apart into whole messages. */
function createMessageReader(
  { beginsUntyped }: { readonly beginsUntyped: boolean },
  onMessage: (message: Message) => void,
): (chunk: Buffer) => void {
  let typeBytes = beginsUntyped ? 0 : 1;
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= typeBytes + LENGTH_BYTES) {
      const end = typeBytes + rest.readUInt32BE(typeBytes);
      if (rest.length < end) return;
      const bytes = rest.subarray(0, end);
      rest = rest.subarray(end);
      const type = bytes.toString('latin1', 0, typeBytes);
      const payload = bytes.subarray(typeBytes + LENGTH_BYTES);
      typeBytes = 1;
      onMessage({ type, payload, bytes });
    }
  };
}

/** A text that ends with a zero byte, and where the next field begins. */
function readText(payload: Buffer, start: number): { text: string; end: number } {
  const end = payload.indexOf(0, start);
  return { text: payload.toString('utf8', start, end), end: end + 1 };
}
