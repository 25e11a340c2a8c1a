import type { SqlExecutor } from '../database/sql-executor.ts';
import { createId } from '../ids/create-id.ts';
import type { SecretBox } from '../secrets/secret-box.ts';
import type { EndpointFixture } from './delivery-fixtures.ts';

/**
 * A customer server and its endpoint, both in the midst of a rotation: every column for a sealed text holds one, namely
 * `current of <id>` or `previous of <id>`.
 */
export async function insertSealed(executor: SqlExecutor, box: SecretBox): Promise<EndpointFixture> {
  const [customerServerId, endpointId] = [createId(), createId()];
  const seal = (which: string, id: string) => box.seal(`${which} of ${id}`, id);
  await executor.query(
    `insert into customer_servers (id, name, secret_hash, secret_ciphertext, previous_secret_hash,
                                   previous_secret_ciphertext, secret_overlap_until)
     values ($1, 'Test server', $2, $2, $3, $3, now() + interval '1 h')`,
    [customerServerId, seal('current', customerServerId), seal('previous', customerServerId)],
  );
  await executor.query(
    `insert into webhook_endpoints (id, customer_server_id, url, signing_secret_ciphertext,
                                    previous_signing_secret_ciphertext, signing_overlap_until)
     values ($1, $2, 'http://127.0.0.1:9/hook', $3, $4, now() + interval '1 h')`,
    [endpointId, customerServerId, seal('current', endpointId), seal('previous', endpointId)],
  );
  return { customerServerId, endpointId };
}
