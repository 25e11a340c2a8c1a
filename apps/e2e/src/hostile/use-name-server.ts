/**
 * Loaded into a worker before its own code (`node --import`): every resolver asks the name server that the test
 * runs, instead of the system's, which a test cannot change.
 */
import dns from 'node:dns/promises';
import { syncBuiltinESMExports } from 'node:module';

const servers = [process.env['TEST_NAME_SERVER'] ?? ''];

dns.Resolver = class extends dns.Resolver {
  constructor(...options: ConstructorParameters<typeof dns.Resolver>) {
    super(...options);
    this.setServers(servers);
  }
};
syncBuiltinESMExports();
