import Type from 'typebox';
import { PageQuery } from '../plugins/paging.ts';
import { optional, requiredText } from '../schemas/common-schemas.ts';

const Name = requiredText(200);

export const CustomerServerListQuery = Type.Object(PageQuery, { additionalProperties: false });

export const CustomerServerCreateBody = Type.Object({
  name: Name,
  webhookUrl: optional(Type.String({ minLength: 1, maxLength: 2048 })),
});

export const CustomerServerPatchBody = Type.Object({ name: Type.Optional(Name) });
