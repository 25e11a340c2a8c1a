import Type from 'typebox';
import { PageQuery } from '../plugins/paging.ts';
import { Id, optional, requiredText, Timestamp } from '../schemas/common-schemas.ts';

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

/** Answer of a rotation: the one time that the new secret is shown. */
export const RotatedSecretAnswer = Type.Object(
  {
    ok: Type.Literal(true),
    data: Type.Object(
      {
        customerServerId: Id,
        name: Type.String(),
        secret: Type.String({ minLength: 1 }),
        overlapUntil: Type.Union([Timestamp, Type.Null()]),
      },
      { additionalProperties: false },
    ),
  },
  { additionalProperties: false },
);

/** Answer of a rotation's end. */
export const CompletedRotationAnswer = Type.Object(
  {
    ok: Type.Literal(true),
    data: Type.Object(
      { customerServerId: Id, name: Type.String(), overlapUntil: Type.Null() },
      { additionalProperties: false },
    ),
  },
  { additionalProperties: false },
);
