/** What a partner reports of a vendor, read from a body that may spell each field in several ways. */

export const REPORTED_STATUSES = ['accepted', 'rejected', 'enroute', 'completed', 'cancelled'] as const;
export type ReportedStatus = (typeof REPORTED_STATUSES)[number];

export type VendorUpdate = {
  /** The partner's id of the vendor. */
  vendorId: string;
  vendorName?: string;
  vendorPhone?: string;
  vendorAddress?: string;
  serviceType?: string;
  assignedOrderId?: string;
  status?: ReportedStatus;
};

type Field = keyof VendorUpdate;

type FieldRules = {
  /** Names it goes by; the first that is present wins. */
  spellings: readonly string[];
  maxLength: number;
  /** Whether an empty or blank text is a value, which clears what is stored. */
  mayBeEmpty: boolean;
};

export const VENDOR_UPDATE_FIELDS: Readonly<Record<Exclude<Field, 'status'>, FieldRules>> = {
  vendorId: {
    spellings: ['vendorId', 'id', 'vendor_id', 'vendor_id_str'],
    maxLength: 200,
    mayBeEmpty: false,
  },
  vendorName: { spellings: ['vendorName', 'name', 'vendor_name'], maxLength: 200, mayBeEmpty: true },
  vendorPhone: { spellings: ['vendorPhone', 'phone', 'mobile'], maxLength: 40, mayBeEmpty: true },
  vendorAddress: { spellings: ['vendorAddress', 'address', 'addr'], maxLength: 500, mayBeEmpty: true },
  serviceType: { spellings: ['serviceType', 'service', 'type'], maxLength: 100, mayBeEmpty: false },
  assignedOrderId: {
    spellings: ['assignedOrderId', 'orderId', 'order_id', 'assigned_order'],
    maxLength: 200,
    mayBeEmpty: false,
  },
};

export const VENDOR_UPDATE_STATUS_SPELLINGS = ['status', 'state', 'vendorStatus'];

export type VendorUpdateParse =
  | { readonly update: VendorUpdate; readonly details?: never }
  | { readonly update?: never; readonly details: readonly string[] };

/**
 * Reads a report; a field that is null is as good as absent. Faults come all at once, under the field's first
 * spelling, missing ones first.
 */
export function parseVendorUpdate(body: Readonly<Record<string, unknown>>): VendorUpdateParse {
  const missing: string[] = [];
  const faults: string[] = [];
  const update: Partial<VendorUpdate> = {};

  for (const [field, rules] of Object.entries(VENDOR_UPDATE_FIELDS) as [
    Exclude<Field, 'status'>,
    FieldRules,
  ][]) {
    const value = readFirst(body, rules.spellings);
    if (value === undefined) {
      if (field === 'vendorId') missing.push(`${field} is required`);
      continue;
    }
    const fault = findTextFault(value, rules);
    if (fault === null) update[field] = value as string;
    else faults.push(`${field} ${fault}`);
  }

  const status = readFirst(body, VENDOR_UPDATE_STATUS_SPELLINGS);
  if (isReportedStatus(status)) update.status = status;
  else if (status !== undefined) faults.push(`status must be one of [${REPORTED_STATUSES.join(', ')}]`);

  const details = [...missing, ...faults];
  if (details.length > 0 || update.vendorId === undefined) return { details };
  return { update: { ...update, vendorId: update.vendorId } };
}

/** The first spelling that is present decides, also when its value turns out to be wrong. */
function readFirst(body: Readonly<Record<string, unknown>>, spellings: readonly string[]): unknown {
  const name = spellings.find((spelling) => Object.hasOwn(body, spelling) && body[spelling] !== null);
  return name === undefined ? undefined : body[name];
}

function findTextFault(value: unknown, { maxLength, mayBeEmpty }: FieldRules): string | null {
  if (typeof value !== 'string') return 'must be a string';
  if (!mayBeEmpty && value.trim() === '') return 'cannot be empty';
  return value.length > maxLength ? `must be at most ${maxLength} characters long` : null;
}

function isReportedStatus(value: unknown): value is ReportedStatus {
  return (REPORTED_STATUSES as readonly unknown[]).includes(value);
}
