import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * Whether somebody listens there already. Looked at before a process is started on it: that one would end, but
 * not before the other's answer had been taken for its own.
 */
export async function isPortTaken(host: string, port: number): Promise<boolean> {
  const server = createServer().listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') return true;
    throw error;
  }
  server.close();
  await once(server, 'close');
  return false;
}
