import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';

/** Whose webhooks are tested: a customer server, or the default one for a partner. */
export type TestSubject = { readonly customerServerId: string } | 'default';

export interface StoredEndpoint {
  readonly endpointId: string;
  readonly customerServerId: string;
  readonly url: string;
  readonly sendSharedSecret: boolean;
  readonly signingSecretCiphertext: string;
  /** Set while a rotated signing secret still signs too. */
  readonly previousSigningSecretCiphertext: string | null;
  /** What deliveries to its customer server's endpoints carry now, where they carry it. */
  readonly sharedSecretCiphertext: string;
}

export interface TestTarget {
  /** Oldest first. */
  readonly endpoints: readonly StoredEndpoint[];
  /** By the database's clock, as in the headers of deliveries. */
  readonly now: Date;
}

/** Reads the endpoints a test may concern, with the secrets that their deliveries would use now. */
export async function readTestTarget(executor: SqlExecutor, subject: TestSubject): Promise<TestTarget> {
  const { rows } = await executor.query<
    { now: Date } & (StoredEndpoint | Record<keyof StoredEndpoint, null>)
  >({
    name: 'read-webhook-test-target',
    text: `
      select date_trunc('milliseconds', clock_timestamp()) as now,
             e.id as "endpointId", s.id as "customerServerId", e.url,
             e.send_shared_secret as "sendSharedSecret",
             e.signing_secret_ciphertext as "signingSecretCiphertext",
             case when e.signing_overlap_until > clock_timestamp()
                  then e.previous_signing_secret_ciphertext end as "previousSigningSecretCiphertext",
             case when s.outbound_secret = 'previous' and s.secret_overlap_until > clock_timestamp()
                  then s.previous_secret_ciphertext
                  else s.secret_ciphertext end as "sharedSecretCiphertext"
        from (select 1) one
        left join customer_servers s on s.id = $1 or ($1::char(24) is null and s.is_default)
        left join webhook_endpoints e on e.customer_server_id = s.id and e.deleted_at is null
       order by e.created_at, e.id`,
    values: [subject === 'default' ? null : subject.customerServerId],
  });
  const [first] = rows;
  if (first === undefined) throw new Error('reading the database clock returned no row');
  return { endpoints: rows.filter(isStored), now: first.now };
}

function isStored(row: { endpointId: string | null }): row is { now: Date } & StoredEndpoint {
  return row.endpointId !== null;
}
