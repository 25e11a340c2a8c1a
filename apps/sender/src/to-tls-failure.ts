import type { AttemptReason } from '@vendor-server/domain/deliveries/attempt-reasons.ts';
import { AttemptFailure } from './attempt-failure.ts';

/** Codes of Node and OpenSSL that say more than that the handshake failed. */
const REASONS: Readonly<Record<string, AttemptReason>> = {
  CERT_HAS_EXPIRED: 'certificate_expired',
  CERT_NOT_YET_VALID: 'certificate_not_yet_valid',
  ERR_TLS_CERT_ALTNAME_INVALID: 'certificate_wrong_name',
  HOSTNAME_MISMATCH: 'certificate_wrong_name',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'certificate_self_signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'certificate_issuer_unknown',
  UNABLE_TO_GET_ISSUER_CERT: 'certificate_issuer_unknown',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'certificate_issuer_unknown',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'certificate_issuer_unknown',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 'client_certificate_required',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'tls_version_not_supported',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'tls_version_not_supported',
  ERR_SSL_WRONG_VERSION_NUMBER: 'plaintext_on_tls_port',
};

const SENTENCES: Readonly<Partial<Record<AttemptReason, string>>> = {
  certificate_expired: "The endpoint's certificate has expired",
  certificate_not_yet_valid: "The endpoint's certificate is not valid yet",
  certificate_wrong_name: "The endpoint's certificate is for another name",
  certificate_self_signed: "The endpoint's certificate is self-signed",
  certificate_issuer_unknown: "The issuer of the endpoint's certificate is not known",
  certificate_not_accepted: "The endpoint's certificate was not accepted",
  client_certificate_required: 'The endpoint asks for a client certificate',
  tls_version_not_supported: 'The endpoint speaks no version of TLS that we do',
  plaintext_on_tls_port: 'The endpoint does not speak TLS at its port',
};

/** @param code of Node or OpenSSL, e.g. `CERT_HAS_EXPIRED` */
export function tlsFailure(code: string): AttemptFailure {
  const reason =
    REASONS[code] ?? (isAboutCertificate(code) ? 'certificate_not_accepted' : 'tls_handshake_failed');
  return new AttemptFailure(
    reason,
    `${SENTENCES[reason] ?? 'The TLS handshake with the endpoint failed'} (${code}).`,
  );
}

/** OpenSSL's codes of a verification have neither the prefix of its protocol's nor the form of the system's. */
function isAboutCertificate(code: string): boolean {
  return /^[A-Z\d_]+$/.test(code) && !/^(ERR_|E[A-Z]+$)/.test(code);
}

export function isTlsCode(code: string): boolean {
  return code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_') || code === 'EPROTO';
}
