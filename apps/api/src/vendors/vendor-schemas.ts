import Type, { type Static } from 'typebox';
import { PageQuery } from '../plugins/paging.ts';
import { nullable, timeField } from '../schemas/answer-schemas.ts';
import { idField, Location, Money, optional, requiredText, Status, text } from '../schemas/common-schemas.ts';

/** A text that may be left out, but says something where it is given. */
function meaningfulText(maxLength: number) {
  return Type.String({
    pattern: '\\S',
    maxLength,
    rule: `must be a string of 1 to ${maxLength} characters that is not blank`,
  });
}

const SelectedServices = Type.Array(meaningfulText(100), { maxItems: 50 });

/** What a vendor may change about itself, and an operator about a vendor; null means "leave as it is". */
export const VendorPatchBody = Type.Object({
  vendorName: optional(meaningfulText(200)),
  mobile: optional(meaningfulText(40)),
  businessAddress: optional(text(500)),
  selectedServices: optional(SelectedServices),
});
export type VendorPatchBody = Static<typeof VendorPatchBody>;

export const VendorCreateBody = Type.Object({
  vendorName: requiredText(200),
  mobile: requiredText(40),
  businessAddress: optional(text(500)),
  selectedServices: optional(SelectedServices),
});
export type VendorCreateBody = Static<typeof VendorCreateBody>;

export const PresenceBody = Type.Object({ online: Type.Boolean(), location: optional(Location) });

export const VendorListQuery = Type.Object(PageQuery, { additionalProperties: false });

export const VendorOrdersQuery = Type.Object(
  { ...PageQuery, status: Type.Optional(Status) },
  { additionalProperties: false },
);

const vendorNotes = optional(text(2000));

/** Body of an order action by a vendor. */
export const VendorActionBody = Type.Object({ vendorNotes });

/** Body of an order action by a vendor that may say why. */
export const VendorReasonBody = Type.Object({ vendorNotes, reason: optional(text(500)) });

/** `notes` is what a vendor adds to its request; it becomes the order's vendor notes unless those are given. */
export const RequestPaymentBody = Type.Object({
  vendorNotes,
  amount: optional(Money),
  notes: optional(text(2000)),
});

const vendor = {
  vendorId: idField('Our id of the vendor.'),
  vendorName: Type.String(),
  mobile: Type.String(),
  businessAddress: Type.String(),
  selectedServices: Type.Array(Type.String(), { description: 'Work types it is offered; empty means all.' }),
  online: Type.Boolean(),
  onlineUntil: nullable(
    timeField('When it counts as offline unless renewed. Null when it is offline by its own word.'),
  ),
  location: nullable(Location),
  createdAt: timeField('When it was created.'),
  updatedAt: timeField('When it was last changed.'),
};

/** A vendor as it sees itself. */
export const VendorResourceSchema = Type.Object(vendor, { title: 'Vendor' });

const operatorsVendor = {
  ...vendor,
  externalVendorId: nullable(
    Type.String({
      description: 'The id a partner knows it by. Null for vendors that no partner reports for.',
    }),
  ),
  hasApiKey: Type.Boolean({ description: 'False for vendors that only a partner reports for.' }),
};

/** A vendor as operators see it. */
export const OperatorsVendorSchema = Type.Object(operatorsVendor, { title: 'VendorForOperators' });

export const VendorWithKeySchema = Type.Object(
  { ...operatorsVendor, apiKey: Type.String({ description: 'Shown this once.' }) },
  { title: 'VendorWithKey' },
);
