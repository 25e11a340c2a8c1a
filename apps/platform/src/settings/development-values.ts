/**
 * What a developer gets without configuring anything. They are public, so production refuses each of them;
 * `npm start` prints them, so that the first curl works.
 */
export const DEVELOPMENT_CUSTOMER_SERVER_SECRET = 'development-customer-secret';
export const DEVELOPMENT_EXTERNAL_VENDOR_SECRET = 'development-vendor-secret';
export const DEVELOPMENT_ADMIN_API_KEY = 'development-admin-key';
/** 32 bytes in base64, as SECRETS_ENCRYPTION_KEY is written. */
export const DEVELOPMENT_SECRETS_ENCRYPTION_KEY = Buffer.from('vendor-server-development-key-32').toString(
  'base64',
);
/** Loopback only: local receivers work, the network behind the machine does not. */
export const DEVELOPMENT_ALLOWED_NETWORKS: readonly string[] = ['127.0.0.0/8', '::1/128'];
