/** Who is online, by the database's clock alone: processes whose clocks differ agree on it. */
import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';

/** A vendor is online for this long after it last said so, or was last seen on an open stream. */
export const PRESENCE_TTL_MS = 90_000;

const ONLINE_UNTIL = `now() + interval '${PRESENCE_TTL_MS} milliseconds'`;

/** What an offer stream has to know of its vendor. */
export type VendorPresence = {
  vendorId: string;
  isOnline: boolean;
  selectedServices: string[];
  apiKeyHash: string | null;
};

type PresenceRow = {
  id: string;
  is_online: boolean;
  selected_services: string[];
  api_key_hash: string | null;
};

function toPresence(row: PresenceRow): VendorPresence {
  return {
    vendorId: row.id,
    isOnline: row.is_online,
    selectedServices: row.selected_services,
    apiKeyHash: row.api_key_hash,
  };
}

/** Brings a vendor online, or takes it offline at once; a location is kept until the next one. */
export async function setPresence(
  executor: SqlExecutor,
  vendorId: string,
  { online, location }: { online: boolean; location: { latitude: number; longitude: number } | null },
): Promise<void> {
  await executor.query({
    name: 'set-presence',
    text: `update vendors set
        online_until = case when $2 then ${ONLINE_UNTIL} end,
        latitude = coalesce($3, latitude), longitude = coalesce($4, longitude)
      where id = $1`,
    values: [vendorId, online, location?.latitude ?? null, location?.longitude ?? null],
  });
}

/** A vendor opened a stream, which brings it online. @returns null when there is no such vendor */
export async function connectPresence(
  executor: SqlExecutor,
  vendorId: string,
): Promise<VendorPresence | null> {
  const { rows } = await executor.query<PresenceRow>({
    name: 'connect-presence',
    text: `update vendors set online_until = ${ONLINE_UNTIL} where id = $1
      returning id, true as is_online, selected_services, api_key_hash`,
    values: [vendorId],
  });
  return rows[0] ? toPresence(rows[0]) : null;
}

/**
 * Keeps vendors with an open stream online and says how they are now. One who went offline by its own word
 * (no `online_until` at all) stays offline. Rows are locked in the order of their ids: two processes that
 * renew the same vendors do not deadlock.
 */
export async function renewPresence(
  executor: SqlExecutor,
  vendorIds: readonly string[],
): Promise<VendorPresence[]> {
  const { rows } = await executor.query<PresenceRow>({
    name: 'renew-presence',
    text: `with locked as (
          select id from vendors where id = any ($1::char(24)[]) and online_until is not null
          order by id for no key update),
        renewed as (
          update vendors v set online_until = ${ONLINE_UNTIL} from locked where v.id = locked.id
          returning v.id)
      select v.id, v.selected_services, v.api_key_hash, renewed.id is not null as is_online
      from vendors v left join renewed on renewed.id = v.id
      where v.id = any ($1::char(24)[])`,
    values: [vendorIds],
  });
  return rows.map(toPresence);
}
