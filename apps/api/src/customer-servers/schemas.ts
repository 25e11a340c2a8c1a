import Type from 'typebox';
import { PageQuery } from '../plugins/paging.ts';
import { answerOf, nullable, timeField } from '../schemas/answer-schemas.ts';
import { idField, optional, requiredText } from '../schemas/common-schemas.ts';
import { ENDPOINT_PROPERTIES } from '../webhook-endpoints/schemas.ts';

const Name = requiredText(200);

export const CustomerServerListQuery = Type.Object(PageQuery, { additionalProperties: false });

export const CustomerServerCreateBody = Type.Object({
  name: Name,
  webhookUrl: optional(Type.String({ minLength: 1, maxLength: 2048 })),
});

export const CustomerServerPatchBody = Type.Object({ name: Type.Optional(Name) });

export const RotateSecretBody = Type.Object({
  /** Hours for which both secrets are accepted; 0 refuses the old one at once. */
  overlapHours: Type.Optional(Type.Number({ minimum: 0, maximum: 168 })),
});

const customerServerId = idField('The customer server.');
const name = Type.String();

/** Answer of a rotation: the one time that the new secret is shown. */
export const RotatedSecretAnswer = answerOf(
  Type.Object(
    {
      customerServerId,
      name,
      secret: Type.String({ description: 'Shown in this answer only.' }),
      overlapUntil: nullable(timeField('Until then the old secret is accepted, too. Null: it is not.')),
    },
    { additionalProperties: false },
  ),
);

/** Answer of a rotation's end. */
export const CompletedRotationAnswer = answerOf(
  Type.Object({ customerServerId, name, overlapUntil: Type.Null() }, { additionalProperties: false }),
);

const { endpointId, url, statuses, mode, state } = ENDPOINT_PROPERTIES;
const EndpointSummary = Type.Object({ endpointId, url, statuses, mode, state }, { title: 'EndpointSummary' });

/** A customer server as it reads itself, and as operators read it. */
export const CustomerServerResource = Type.Object(
  {
    customerServerId: idField('Of the customer server.'),
    name: Type.String(),
    isDefault: Type.Boolean({ description: 'It is the one of the settings.' }),
    endpoints: Type.Array(EndpointSummary),
    createdAt: timeField('When it was created.'),
    updatedAt: timeField('When it was last changed.'),
  },
  { title: 'CustomerServer' },
);
