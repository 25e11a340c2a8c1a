import type { Audience } from './route-reference.ts';

type SecurityRequirement = Readonly<Record<string, readonly string[]>>;

/** How each caller proves who it is. */
export const SECURITY_SCHEMES = {
  customerSecret: {
    type: 'apiKey',
    in: 'header',
    name: 'x-customer-secret',
    description: "The customer server's secret.",
  },
  vendorServerSecret: {
    type: 'apiKey',
    in: 'header',
    name: 'x-vendor-server-secret',
    description: 'The same secret under the name that webhooks carry it by.',
  },
  partnerSecret: {
    type: 'apiKey',
    in: 'header',
    name: 'x-vendor-secret',
    description: 'The secret of the partner system that reports for vendors.',
  },
  vendorKey: {
    type: 'http',
    scheme: 'bearer',
    description: 'The API key of a vendor, shown once when it is made or rotated.',
  },
  operatorKey: { type: 'http', scheme: 'bearer', description: 'The admin API key of this installation.' },
  operatorBasic: {
    type: 'http',
    scheme: 'basic',
    description: 'For browsers: user `admin`, and the admin API key as the password.',
  },
} as const;

const CUSTOMER_SERVER = [{ customerSecret: [] }, { vendorServerSecret: [] }];
const PARTNER = [{ partnerSecret: [] }];

interface AudienceDefinition {
  /** Any one of these is enough. */
  readonly security: readonly SecurityRequirement[];
  /** Texts of its 401 answers, by what is wrong. Integrators match on them. */
  readonly unauthorized: Readonly<Record<string, string>>;
  /** The scheme that `www-authenticate` asks for. */
  readonly challenge?: string;
}

export const AUDIENCES: Readonly<Record<Audience, AudienceDefinition>> = {
  customer_server: {
    security: CUSTOMER_SERVER,
    unauthorized: {
      missing: 'Authentication required: Missing x-customer-secret header',
      invalid: 'Authentication failed: Invalid x-customer-secret',
    },
  },
  partner: {
    security: PARTNER,
    unauthorized: { missing: 'missing vendor secret', invalid: 'invalid vendor secret' },
  },
  webhook_tester: {
    security: [...CUSTOMER_SERVER, ...PARTNER],
    unauthorized: { missing: 'missing vendor secret', invalid: 'invalid vendor secret' },
  },
  vendor: {
    security: [{ vendorKey: [] }],
    unauthorized: {
      missing: 'Authentication required: Missing Authorization: Bearer header',
      invalid: 'Authentication failed: Invalid vendor API key',
    },
    challenge: 'Bearer realm="Vendor Server"',
  },
  operator: {
    security: [{ operatorKey: [] }, { operatorBasic: [] }],
    unauthorized: {
      missing: 'Authentication required: Missing Authorization header',
      invalid: 'Authentication failed: Invalid operator credential',
    },
    challenge: 'Basic realm="Vendor Server", charset="UTF-8"',
  },
  anyone: { security: [], unauthorized: {} },
};
